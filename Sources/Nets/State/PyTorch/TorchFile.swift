import Foundation
import Tensor

/// A file that torch.save wrote: a pickle whose tensors refer to bytes outside of it.
///
/// The bytes are in a zip archive or, before torch 1.6, behind the pickle.
struct TorchFile {
  /// The tensors under their dotted names; numbers and texts as notes.
  let state: StateDict

  /// Whether a file starts like one.
  static func isOne(_ file: Data) -> Bool {
    file.starts(with: zipStart) || file.starts(with: legacyStart)
  }

  private static let zipStart: [UInt8] = [0x50, 0x4b, 3, 4]
  /// A pickle of the number 0x1950a86a20f9469cfc6c.
  private static let legacyStart: [UInt8] = [
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
  ]

  /// - Throws: `FileError` if the file is damaged or holds no dictionary.
  init(_ file: Data, path: String) throws {
    let budget = MemoryBudget(fileSize: file.count)
    do {
      let (reader, root, storages) =
        file.starts(with: Self.zipStart)
        ? try Self.zipped(file, budget) : try Self.legacy(file, budget)
      defer { extendLifetime(reader) }
      guard root.isDictionary else {
        throw TorchFileDamage("it holds no dictionary of tensors; save the module's state_dict()")
      }
      var collector = TensorCollector(storages: storages, fileSize: file.count, budget)
      try collector.collect(root, as: "")
      state = collector.state
    } catch let damage as TorchFileDamage {
      throw FileError(path: path, reason: "torch.save's file cannot be read: \(damage.reason)")
    }
  }

  private typealias Parts = (PickleReader, root: PickleValue, storages: [String: Data])

  private static func zipped(_ file: Data, _ budget: MemoryBudget) throws -> Parts {
    let zip = try StoredZip(file)
    let pickles = zip.ranges.keys.filter { $0.hasSuffix("/data.pkl") }
    guard let name = pickles.first, pickles.count == 1 else {
      throw TorchFileDamage(
        "its zip archive needs one data.pkl; it has \(pickles.isEmpty ? "none" : "\(pickles.count)")"
      )
    }
    func bytes(_ range: Range<Int>) -> Data {
      file[(file.startIndex + range.lowerBound)..<(file.startIndex + range.upperBound)]
    }
    let archive = name.dropLast("data.pkl".count)
    let order = zip.ranges[archive + "byteorder"].map { String(decoding: bytes($0), as: UTF8.self) }
    guard order != "big" else {
      throw TorchFileDamage("its numbers are big-endian; little-endian ones can be read")
    }
    let folder = archive + "data/"
    var storages: [String: Data] = [:]
    for (name, range) in zip.ranges where name.hasPrefix(folder) {
      storages[String(name.dropFirst(folder.count))] = bytes(range)
    }
    let reader = PickleReader(zip.ranges[name].map(bytes) ?? Data(), budget)
    return (reader, try reader.value(), storages)
  }

  private static func legacy(_ file: Data, _ budget: MemoryBudget) throws -> Parts {
    let reader = PickleReader(file, budget)
    // A magic number, a version and what the machine was like.
    for _ in 0..<3 { _ = try reader.value() }
    let root = try reader.value()
    let keys = try reader.value().items?.compactMap(\.text) ?? []
    var sizes: [String: Int] = [:]
    for reference in reader.references.compactMap(StorageReference.init) {
      sizes[reference.key] = reference.elementSize
    }
    let bytes = LittleEndianBytes(file)
    var (place, storages) = (reader.place, [String: Data]())
    for key in keys {
      let count = try Int(bytes.number(at: place, Int64.self))
      guard let size = sizes[key], count >= 0, count < 1 << 40 else { throw TorchFileDamage.pickle }
      storages[key] = try bytes.slice(at: place + 8, count: count * size)
      place += 8 + count * size
    }
    return (reader, root, storages)
  }
}

/// Why a file that torch.save wrote cannot be read.
struct TorchFileDamage: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }

  static let pickle = TorchFileDamage("its pickle is damaged")
  static let zip = TorchFileDamage("its zip archive is damaged")
}

/// ("storage", class, key, device, count)
struct StorageReference {
  let typeName: String
  let key: String

  init?(_ value: PickleValue) {
    guard case .elsewhere = value, let parts = value.items, parts.count >= 5,
      case .global(let type) = parts[1], let key = parts[2].text
    else { return nil }
    typeName = String(type.split(separator: " ").last ?? "")
    self.key = key
  }

  /// The bytes of a number, also of types that cannot be read but are passed over.
  var elementSize: Int? {
    let others = [
      "UntypedStorage": 1, "ComplexDoubleStorage": 16, "ComplexFloatStorage": 8, "QUInt8Storage": 1,
      "QInt8Storage": 1,
      "QInt32Storage": 4,
    ]
    return type?.byteCount ?? others[typeName]
  }

  var type: NumberType? {
    let types: [String: NumberType] = [
      "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16,
      "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
      "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
    ]
    return types[typeName]
  }
}
