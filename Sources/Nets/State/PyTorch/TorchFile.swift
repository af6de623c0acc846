import Foundation
import Tensor

/// A file that torch.save wrote: a pickle whose tensors refer to bytes elsewhere, in a zip archive or, before
/// version 1.6, one after the other.
struct TorchFile {
  /// The tensors under their dotted names, and what else has a name.
  let state: State

  /// Whether a file begins like one.
  static func isOne(_ file: Data) -> Bool {
    file.starts(with: zipStart) || file.starts(with: legacyStart)
  }

  private static let zipStart: [UInt8] = [0x50, 0x4b, 3, 4]
  /// A pickle of the number 0x1950a86a20f9469cfc6c.
  private static let legacyStart: [UInt8] = [
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19,
  ]

  /// - Throws: ``FileError`` if the file is damaged or holds no dictionary.
  init(_ file: Data, path: String) throws {
    do {
      let (root, storages) =
        file.starts(with: Self.zipStart) ? try Self.zipped(file) : try Self.legacy(file)
      guard case .dictionary = root else {
        throw TorchFileDamage(
          "it holds no dictionary of tensors; save the module's state_dict(), not the module")
      }
      var state = State()
      try TensorCollector(storages: storages).collect(root, as: "", into: &state)
      self.state = state
    } catch let damage as TorchFileDamage {
      throw FileError(path: path, reason: "torch.save's file cannot be read: \(damage.reason)")
    }
  }

  private static func zipped(_ file: Data) throws -> (PickleValue, [String: Data]) {
    let zip = try StoredZip(file)
    guard let name = zip.ranges.keys.first(where: { $0.hasSuffix("/data.pkl") }) else {
      throw TorchFileDamage("its zip archive has no data.pkl")
    }
    func bytes(_ range: Range<Int>) -> Data {
      file[(file.startIndex + range.lowerBound)..<(file.startIndex + range.upperBound)]
    }
    let folder = name.dropLast("data.pkl".count) + "data/"
    var storages: [String: Data] = [:]
    for (name, range) in zip.ranges where name.hasPrefix(folder) {
      storages[String(name.dropFirst(folder.count))] = bytes(range)
    }
    var reader = PickleReader(zip.ranges[name].map(bytes) ?? Data())
    return (try reader.value(), storages)
  }

  private static func legacy(_ file: Data) throws -> (PickleValue, [String: Data]) {
    var reader = PickleReader(file)
    // A magic number, a version and what the machine was like.
    for _ in 0..<3 { _ = try reader.value() }
    let root = try reader.value()
    let keys = try reader.value().items?.compactMap(\.text) ?? []
    let sizes = try TensorCollector.elementSizes(in: root)
    let bytes = LittleEndianBytes(file)
    var (place, storages) = (reader.place, [String: Data]())
    for key in keys {
      let count = try Int(bytes.number(at: place, Int64.self))
      guard let size = sizes[key], count >= 0, count < 1 << 40 else { throw TorchFileDamage.pickle }
      storages[key] = try bytes.slice(at: place + 8, count: count * size)
      place += 8 + count * size
    }
    return (root, storages)
  }
}

/// Why a file that torch.save wrote cannot be read.
struct TorchFileDamage: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }

  static let pickle = TorchFileDamage("its pickle is damaged")
}

/// Finds the tensors in what a pickle holds.
private struct TensorCollector {
  let storages: [String: Data]

  /// Adds the tensors in `value`, and what else has a name.
  func collect(
    _ value: PickleValue, as name: String, into state: inout State, depth: Int = 0
  ) throws {
    try checkDepth(depth)
    switch value {
    case .dictionary(let box):
      for (key, value) in box.content {
        let key = key.text ?? key.integer.map(String.init) ?? ""
        try collect(value, as: joined(name, key), into: &state, depth: depth + 1)
      }
    case .tuple, .list:
      for (index, value) in (value.items ?? []).enumerated() {
        try collect(value, as: joined(name, String(index)), into: &state, depth: depth + 1)
      }
    case .call("torch._utils _rebuild_tensor_v2", let arguments):
      state.append(State([try entry(arguments, name: name)]), under: "")
    case .call("torch._utils _rebuild_parameter", let arguments):
      try arguments.first.map { try collect($0, as: name, into: &state, depth: depth + 1) }
    case .text(let text): state.notes[name] = text
    case .integer(let number): state.notes[name] = String(number)
    case .number(let number): state.notes[name] = String(number)
    case .bool(let flag): state.notes[name] = String(flag)
    case .none, .bytes, .global, .call, .elsewhere: break
    }
  }

  /// The tensor of a storage, an offset, sizes and strides.
  private func entry(_ arguments: [PickleValue], name: String) throws -> State.Entry {
    guard arguments.count >= 4, let storage = StorageReference(arguments[0]),
      let offset = arguments[1].integer, let shape = arguments[2].items?.map(\.integer),
      let strides = arguments[3].items?.map(\.integer), shape.count == strides.count
    else { throw TorchFileDamage("its pickle says of \(name) what is not known") }
    let (sizes, steps) = (shape.compactMap { $0 }, strides.compactMap { $0 })
    guard let type = storage.type, let decoder = NumberDecoder(type) else {
      throw TorchFileDamage("\(name) is a \(storage.typeName), which is not known")
    }
    guard let bytes = storages[storage.key] else {
      throw TorchFileDamage("the numbers of \(name) are missing")
    }
    // In Double, for what a damaged file says may overflow.
    let last = zip(sizes, steps).reduce(Double(offset)) { $0 + Double($1.0 - 1) * Double($1.1) }
    let isEmpty = sizes.contains(0)
    guard sizes.count == shape.count, steps.count == shape.count,
      (sizes + steps).allSatisfy({ $0 >= 0 }),
      offset >= 0, isEmpty || last < Double(bytes.count / decoder.byteCount),
      sizes.reduce(1, { $0 * Double($1) }) < 0x1p40
    else {
      throw TorchFileDamage(
        "\(name) of shape \(sizes) needs more numbers than the \(bytes.count / decoder.byteCount) there are"
      )
    }
    return decoder.entry(name, shape: sizes, of: bytes) { index in
      var (rest, place) = (index, offset)
      for axis in sizes.indices.reversed() {
        place += rest % sizes[axis] * steps[axis]
        rest /= sizes[axis]
      }
      return place
    }
  }

  /// The bytes of a number in each storage that `value` refers to.
  static func elementSizes(in value: PickleValue, depth: Int = 0) throws -> [String: Int] {
    try checkDepth(depth)
    func merged(_ values: [PickleValue]) throws -> [String: Int] {
      try values.reduce(into: [:]) { sizes, value in
        try sizes.merge(elementSizes(in: value, depth: depth + 1), uniquingKeysWith: { $1 })
      }
    }
    switch value {
    case .elsewhere:
      let storage = StorageReference(value)
      let size = storage?.type.flatMap(NumberDecoder.init)?.byteCount
      return storage.flatMap { storage in size.map { [storage.key: $0] } } ?? [:]
    case .dictionary(let box): return try merged(box.content.map(\.value))
    case .tuple, .list: return try merged(value.items ?? [])
    case .call(_, let arguments): return try merged(arguments)
    default: return [:]
    }
  }
}

/// A damaged pickle may hold itself.
private func checkDepth(_ depth: Int) throws {
  guard depth < 64 else { throw TorchFileDamage("its pickle is nested too deeply") }
}

/// ("storage", class, key, device, count)
private struct StorageReference {
  let typeName: String
  let key: String

  init?(_ value: PickleValue) {
    guard case .elsewhere(let reference) = value, let parts = reference.items, parts.count >= 5,
      case .global(let type) = parts[1], let key = parts[2].text
    else { return nil }
    typeName = String(type.split(separator: " ").last ?? "")
    self.key = key
  }

  /// The type in safetensors' words.
  var type: String? {
    [
      "DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16",
      "BFloat16Storage": "BF16",
      "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8",
      "ByteStorage": "U8", "BoolStorage": "BOOL",
    ][typeName]
  }
}
