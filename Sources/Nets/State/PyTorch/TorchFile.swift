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
    do {
      let (reader, root, storages) =
        file.starts(with: Self.zipStart) ? try Self.zipped(file) : try Self.legacy(file)
      defer { extendLifetime(reader) }
      guard case .dictionary = root else {
        throw TorchFileDamage(
          "it holds no dictionary of tensors; save the module's state_dict(), not the module")
      }
      var collector = TensorCollector(storages: storages, fileSize: file.count)
      try collector.collect(root, as: "")
      state = collector.state
    } catch let damage as TorchFileDamage {
      throw FileError(path: path, reason: "torch.save's file cannot be read: \(damage.reason)")
    }
  }

  private typealias Parts = (PickleReader, root: PickleValue, storages: [String: Data])

  private static func zipped(_ file: Data) throws -> Parts {
    let zip = try StoredZip(file)
    guard let name = zip.ranges.keys.first(where: { $0.hasSuffix("/data.pkl") }) else {
      throw TorchFileDamage("its zip archive has no data.pkl")
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
    let reader = PickleReader(zip.ranges[name].map(bytes) ?? Data())
    return (reader, try reader.value(), storages)
  }

  private static func legacy(_ file: Data) throws -> Parts {
    let reader = PickleReader(file)
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
}

/// Collects the tensors of a pickle.
private struct TensorCollector {
  private(set) var state = StateDict()
  private let storages: [String: Data]
  /// Budgets against files whose nested references expand without bound.
  private var values: Int
  private var numbers: Int

  init(storages: [String: Data], fileSize: Int) {
    self.storages = storages
    values = max(1 << 16, fileSize)
    numbers = max(1 << 24, 4 * fileSize)
  }

  /// Adds the tensors, numbers and texts in `value`.
  mutating func collect(_ value: PickleValue, as name: String, depth: Int = 0) throws {
    values -= 1
    guard depth < 64, values > 0 else { throw TorchFileDamage("its pickle is nested too deeply") }
    switch value {
    case .dictionary(let box):
      for (key, value) in box.content {
        let key = key.text ?? key.integer.map(String.init) ?? ""
        try collect(value, as: joined(name, key), depth: depth + 1)
      }
    case .tuple, .list:
      for (index, value) in (value.items ?? []).enumerated() {
        try collect(value, as: joined(name, String(index)), depth: depth + 1)
      }
    case .call(let function, let items):
      try collect(items.values, madeBy: function, as: name, depth: depth)
    case .text(let text): state.metadata[name] = text
    case .integer(let number): state.metadata[name] = String(number)
    case .number(let number): state.metadata[name] = String(number)
    case .bool(let flag): state.metadata[name] = String(flag)
    case .none, .bytes, .global, .elsewhere: break
    }
  }

  private mutating func collect(
    _ arguments: [PickleValue], madeBy function: String, as name: String, depth: Int
  ) throws {
    switch function {
    case "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor":
      state.merge(StateDict([try entry(arguments, name: name)]), prefix: "")
    case "torch._utils _rebuild_parameter", "torch._utils _rebuild_parameter_with_state":
      if let value = arguments.first { try collect(value, as: name, depth: depth + 1) }
    case "torch._tensor _rebuild_from_type_v2":
      guard arguments.count >= 3, case .global(let function) = arguments[0],
        let arguments = arguments[2].items
      else { throw TorchFileDamage.pickle }
      try collect(arguments, madeBy: function, as: name, depth: depth + 1)
    case _ where function.hasPrefix("torch") && function.contains(" _rebuild"):
      throw TorchFileDamage("\(name) is made by \(function), which is not known")
    default: break
    }
  }

  /// The tensor of a storage, an offset, sizes and strides.
  private mutating func entry(_ arguments: [PickleValue], name: String) throws -> StateDict.Entry {
    guard arguments.count >= 4, let storage = StorageReference(arguments[0]),
      let offset = arguments[1].integer, let sizes = arguments[2].items?.map({ $0.integer ?? -1 }),
      let strides = arguments[3].items?.map({ $0.integer ?? -1 }), sizes.count == strides.count
    else { throw TorchFileDamage("unsupported tensor record for \(name)") }
    guard let type = storage.type else {
      throw TorchFileDamage("\(name) is a \(storage.typeName), which is not known")
    }
    guard let bytes = storages[storage.key] else {
      throw TorchFileDamage("the numbers of \(name) are missing")
    }
    let count = bytes.count / type.byteCount
    // In Double, for what a damaged file says may overflow.
    let last = zip(sizes, strides).reduce(Double(offset)) { $0 + (Double($1.0) - 1) * Double($1.1) }
    let elements = sizes.reduce(1) { $0 * Double(max($1, 1)) }
    guard offset >= 0, (sizes + strides).allSatisfy({ $0 >= 0 }),
      sizes.contains(0) || last < Double(count), elements <= Double(numbers)
    else {
      throw TorchFileDamage("\(name) of shape \(sizes) does not fit the \(count) numbers there are")
    }
    numbers -= Int(elements)
    let rowMajor = sizes.indices.map { axis in sizes[(axis + 1)...].reduce(1, *) }
    return type.entry(
      name, shape: sizes, strides: strides == rowMajor ? nil : strides, offset: offset, in: bytes)
  }
}

/// ("storage", class, key, device, count)
private struct StorageReference {
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
      "ComplexDoubleStorage": 16, "ComplexFloatStorage": 8, "QUInt8Storage": 1, "QInt8Storage": 1,
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
