import Foundation
import Tensor

/// The bytes of a model, read back as the format says: fields by number.
struct ProtobufReader {
  enum Field {
    case varint(Int)
    case fixed(UInt32)
    case bytes([UInt8])
  }

  private(set) var fields: [(number: Int, value: Field)] = []

  init(_ bytes: [UInt8]) throws {
    var position = 0
    func varint() throws -> UInt64 {
      var (value, shift) = (UInt64(0), UInt64(0))
      while position < bytes.count {
        let byte = bytes[position]
        position += 1
        value |= UInt64(byte & 0x7f) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      throw Damage(what: "a varint ends nowhere")
    }
    func take(_ count: Int) throws -> [UInt8] {
      guard position + count <= bytes.count else { throw Damage(what: "a field ends nowhere") }
      defer { position += count }
      return Array(bytes[position..<position + count])
    }
    while position < bytes.count {
      let key = try varint()
      let value: Field
      switch key & 7 {
      case 0: value = .varint(Int(Int64(bitPattern: try varint())))
      case 2: value = .bytes(try take(Int(try varint())))
      case 5:
        value = .fixed(try take(4).reversed().reduce(0) { $0 << 8 | UInt32($1) })
      default: throw Damage(what: "wire type \(key & 7)")
      }
      fields.append((Int(key >> 3), value))
    }
  }

  struct Damage: Error { let what: String }

  func integers(_ number: Int) -> [Int] {
    fields.compactMap {
      if $0.number == number, case .varint(let value) = $0.value { value } else { nil }
    }
  }

  func bytes(_ number: Int) -> [[UInt8]] {
    fields.compactMap {
      if $0.number == number, case .bytes(let value) = $0.value { value } else { nil }
    }
  }

  func strings(_ number: Int) -> [String] {
    bytes(number).map { String(decoding: $0, as: UTF8.self) }
  }

  func messages(_ number: Int) throws -> [ProtobufReader] {
    try bytes(number).map { try ProtobufReader($0) }
  }

  func float(_ number: Int) -> Float? {
    for field in fields where field.number == number {
      if case .fixed(let bits) = field.value { return Float(bitPattern: bits) }
    }
    return nil
  }
}

/// A model as a runtime reads it.
struct ReadModel {
  struct Node {
    let type: String
    let name: String
    let inputs: [String]
    let output: String
    let integers: [String: [Int]]
    let floats: [String: Float]
    let strings: [String: String]
  }

  enum Numbers: Equatable {
    case floats([Float], [Int])
    case integers([Int], [Int])
  }

  let formatVersion: Int
  let operatorSet: Int
  let nodes: [Node]
  let initializers: [String: Numbers]
  let input: (name: String, shape: [String])
  let output: (name: String, shape: [String])
  let metadata: [String: String]

  init(contentsOf path: String) throws {
    try self.init([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
  }

  init(_ bytes: [UInt8]) throws {
    let model = try ProtobufReader(bytes)
    let graph = try model.messages(7)[0]
    formatVersion = model.integers(1)[0]
    operatorSet = try model.messages(8)[0].integers(2)[0]
    nodes = try graph.messages(1).map { try Self.node($0) }
    initializers = Dictionary(
      uniqueKeysWithValues: try graph.messages(5).map { ($0.strings(8)[0], Self.numbers($0)) })
    input = try Self.value(try graph.messages(11)[0])
    output = try Self.value(try graph.messages(12)[0])
    metadata = Dictionary(
      uniqueKeysWithValues: try model.messages(14).map { ($0.strings(1)[0], $0.strings(2)[0]) })
  }

  private static func node(_ message: ProtobufReader) throws -> Node {
    var (integers, floats, strings): ([String: [Int]], [String: Float], [String: String]) = (
      [:], [:], [:]
    )
    for attribute in try message.messages(5) {
      let name = attribute.strings(1)[0]
      switch attribute.integers(20)[0] {
      case 1: floats[name] = attribute.float(2)
      case 2: integers[name] = attribute.integers(3)
      case 3: strings[name] = attribute.strings(4)[0]
      case 7: integers[name] = attribute.integers(8)
      default: throw ProtobufReader.Damage(what: "attribute \(name)")
      }
    }
    return Node(
      type: message.strings(4)[0], name: message.strings(3)[0], inputs: message.strings(1),
      output: message.strings(2)[0], integers: integers, floats: floats, strings: strings)
  }

  private static func numbers(_ message: ProtobufReader) -> Numbers {
    let (shape, raw) = (message.integers(1), message.bytes(9)[0])
    if message.integers(2)[0] == 7 {
      return .integers(raw.withUnsafeBytes { $0.bindMemory(to: Int64.self).map { Int($0) } }, shape)
    }
    return .floats(raw.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }, shape)
  }

  private static func value(_ message: ProtobufReader) throws -> (String, [String]) {
    let tensor = try message.messages(2)[0].messages(1)[0]
    let sizes = try tensor.messages(2)[0].messages(1).map { size in
      size.strings(2).first ?? String(size.integers(1)[0])
    }
    return (message.strings(1)[0], sizes)
  }
}
