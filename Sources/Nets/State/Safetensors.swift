import Foundation
import Tensor

// A safetensors file is the length of its header as eight little-endian bytes, the header in JSON
// (name -> type, shape, range of bytes), and the numbers.
extension State {
  /// Reads a safetensors file; 16- and 64-bit floats and integers become 32-bit floats.
  ///
  /// - Throws: ``FileError`` if the file cannot be read or is not whole.
  public init(contentsOf path: String) throws {
    guard let file = FileManager.default.contents(atPath: path) else {
      let exists = FileManager.default.fileExists(atPath: path)
      throw FileError(
        path: path, reason: exists ? "cannot be read as a file" : "there is no such file")
    }
    guard file.count >= 8 else {
      throw FileError(
        path: path, reason: "a safetensors file needs at least 8 bytes; it has \(file.count)")
    }
    let length = file.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(file.count - 8) else {
      throw FileError(
        path: path,
        reason: "its header should have \(length) bytes and the file has \(file.count): it is "
          + "truncated, or not a safetensors file")
    }
    let start = file.startIndex + 8 + Int(length)
    let header = file[file.startIndex + 8..<start]
    guard let fields = try? JSONSerialization.jsonObject(with: header) as? [String: Any] else {
      throw FileError(path: path, reason: "its header is not JSON: it is not a safetensors file")
    }
    let descriptors = try fields.filter { $0.key != "__metadata__" }
      .map { try TensorDescriptor(name: $0.key, fields: $0.value, path: path) }
      .sorted { ($0.range.lowerBound, $0.name) < ($1.range.lowerBound, $1.name) }
    let notes = fields["__metadata__"] as? [String: String] ?? [:]
    self.init(
      try descriptors.map { try $0.entry(in: file[start...], path: path) },
      notes: notes.filter { $0.key != "format" })
  }

  /// Writes a safetensors file that torch's and Hugging Face's readers take.
  ///
  /// - Throws: ``FileError`` if the file cannot be written; an earlier file stays as it was.
  public func write(to path: String) throws {
    var offset = 0
    let metadata = [("format", "pt")] + notes.sorted { $0.key < $1.key }
    var fields = [
      "\"__metadata__\":{"
        + (try metadata.map { "\(try quoted($0)):\(try quoted($1))" }.joined(separator: ",")) + "}"
    ]
    for entry in entries {
      let size = entry.value.elementCount * entry.elementType.byteCount
      fields.append(
        """
        \(try quoted(entry.name)):{"dtype":"\(entry.elementType.safetensorsName)",\
        "shape":[\(entry.value.shape.map(String.init).joined(separator: ","))],\
        "data_offsets":[\(offset),\(offset + size)]}
        """)
      offset += size
    }
    var header = Data("{\(fields.joined(separator: ","))}".utf8)
    // Spaces up to a multiple of eight, so that readers can map the numbers in place.
    header.append(Data(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
    try writeAtomically(to: path) { file in
      let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
      try file.write(contentsOf: length + header)
      for entry in entries { try file.write(contentsOf: entry.elementType.encoded(entry.value)) }
    }
  }

  private func quoted(_ name: String) throws -> String {
    String(decoding: try JSONEncoder().encode(name), as: UTF8.self)
  }
}

/// One tensor's line in the header.
private struct TensorDescriptor {
  let name: String
  let type: String
  let shape: [Int]
  let range: Range<Int>

  init(name: String, fields: Any, path: String) throws {
    guard let fields = fields as? [String: Any], let type = fields["dtype"] as? String,
      let shape = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int],
      offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1],
      shape.allSatisfy({ $0 >= 0 && $0 < 1 << 40 })
    else {
      throw FileError(
        path: path, reason: "the header's entry \"\(name)\" needs a dtype, a shape and offsets")
    }
    self.name = name
    self.type = type
    self.shape = shape
    range = offsets[0]..<offsets[1]
  }

  func entry(in numbers: Data, path: String) throws -> State.Entry {
    guard let decoder = NumberDecoder(type) else {
      throw FileError(
        path: path,
        reason: "\"\(name)\" is of type \(type); F64, F32, F16, BF16, I64, I32, I16, I8, U8 and "
          + "BOOL can be read")
    }
    // In Double, for the sizes of a broken header may overflow; whole up to 2⁵³.
    let size = shape.reduce(Double(decoder.byteCount)) { $0 * Double($1) }
    guard size == Double(range.count) else {
      throw FileError(
        path: path,
        reason: "\"\(name)\" of shape \(shape) and type \(type) needs "
          + "\(size < 0x1p53 ? String(Int(size)) : String(size)) bytes; its offsets hold "
          + "\(range.count)")
    }
    let count = range.count / decoder.byteCount
    guard range.upperBound <= numbers.count else {
      throw FileError(
        path: path,
        reason: "\"\(name)\" ends at byte \(range.upperBound) and there are \(numbers.count): the "
          + "file is truncated")
    }
    let bytes = numbers.dropFirst(range.lowerBound).prefix(range.count)
    let value = bytes.withUnsafeBytes { bytes in
      Tensor(shape: Shape(shape)) { out in
        for index in 0..<count { out[index] = decoder.decode(bytes, index * decoder.byteCount) }
      }
    }
    let isInteger = type == "I64" && shape.isEmpty
    return State.Entry(name, value, elementType: isInteger ? .int64 : .float32)
  }
}

/// How the numbers of one type become floats.
private struct NumberDecoder {
  let byteCount: Int
  let decode: (_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Float

  init?(_ type: String) {
    func number<Number>(_: Number.Type, _ convert: @escaping (Number) -> Float) -> NumberDecoder {
      NumberDecoder(byteCount: MemoryLayout<Number>.size) { bytes, offset in
        convert(bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
      }
    }
    switch type {
    case "F64": self = number(Double.self) { Float($0) }
    case "F32": self = number(Float.self) { $0 }
    case "F16": self = number(UInt16.self, floatFromHalf)
    case "BF16": self = number(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case "I64": self = number(Int64.self) { Float($0) }
    case "I32": self = number(Int32.self) { Float($0) }
    case "I16": self = number(Int16.self) { Float($0) }
    case "I8": self = number(Int8.self) { Float($0) }
    case "U8", "BOOL": self = number(UInt8.self) { Float($0) }
    default: return nil
    }
  }

  private init(
    byteCount: Int, decode: @escaping (_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Float
  ) {
    self.byteCount = byteCount
    self.decode = decode
  }
}

/// The value of an IEEE half-precision pattern; Swift has no Float16 on every platform.
private func floatFromHalf(_ bits: UInt16) -> Float {
  let sign: Float = bits >> 15 == 0 ? 1 : -1
  let exponent = Int(bits >> 10 & 0x1F)
  let fraction = Float(bits & 0x3FF)
  switch exponent {
  case 0: return sign * fraction * 0x1p-24
  case 31: return fraction == 0 ? sign * .infinity : .nan
  default:
    return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
  }
}

extension Buffer.ElementType {
  fileprivate var safetensorsName: String {
    switch self {
    case .float32: "F32"
    case .int64: "I64"
    }
  }

  fileprivate var byteCount: Int {
    switch self {
    case .float32: 4
    case .int64: 8
    }
  }

  fileprivate func encoded(_ value: Tensor) -> Data {
    value.withUnsafeBufferPointer { numbers in
      switch self {
      case .float32: return Data(buffer: numbers)
      case .int64: return numbers.map { Int64($0) }.withUnsafeBufferPointer { Data(buffer: $0) }
      }
    }
  }
}
