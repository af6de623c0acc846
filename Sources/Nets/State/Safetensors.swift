import Foundation
import Tensor

// A safetensors file is the length of its header as eight little-endian bytes, the header in JSON
// (name -> type, shape, range of bytes), and the numbers.
extension StateDict {
  /// Reads a safetensors file, or one that torch.save wrote; 16- and 64-bit floats and integers
  /// become 32-bit floats.
  ///
  /// In a file of torch.save's, nested dictionaries become dotted names, numbers and texts become
  /// notes. Of a checkpoint, `state.scoped(to: "state_dict")` is the network. No code in the file
  /// is run.
  ///
  /// - Throws: `FileError` if the file cannot be read or is not whole.
  public init(contentsOf path: String) throws {
    // Mapped, for the numbers are copied once more into tensors.
    guard let file = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    else {
      let exists = FileManager.default.fileExists(atPath: path)
      throw FileError(
        path: path, reason: exists ? "cannot be read as a file" : "there is no such file")
    }
    if TorchFile.isOne(file) {
      self = try TorchFile(file, path: path).state
    } else {
      try self.init(safetensors: file, path: path)
    }
  }

  private init(safetensors file: Data, path: String) throws {
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
    let metadata = fields["__metadata__"] as? [String: String] ?? [:]
    self.init(
      try descriptors.map { try $0.entry(in: file[start...], path: path) },
      metadata: metadata.filter { $0.key != "format" })
  }

  /// Writes a safetensors file that torch's and Hugging Face's readers take.
  ///
  /// - Throws: `FileError` if the file cannot be written; an earlier file stays as it was.
  public func write(to path: String) throws {
    var offset = 0
    let fieldsOfMetadata = [("format", "pt")] + metadata.sorted { $0.key < $1.key }
    var fields = [
      "\"__metadata__\":{"
        + (try fieldsOfMetadata.map { "\(try quoted($0)):\(try quoted($1))" }.joined(separator: ","))
        + "}"
    ]
    for entry in entries {
      let size = entry.value.elementCount * entry.elementType.numberType.byteCount
      fields.append(
        """
        \(try quoted(entry.name)):{"dtype":"\(entry.elementType.numberType.rawValue)",\
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
      for entry in entries { try entry.write(to: file) }
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

  func entry(in numbers: Data, path: String) throws -> StateDict.Entry {
    guard let type = NumberType(rawValue: type) else {
      throw FileError(
        path: path,
        reason: "\"\(name)\" is of type \(type); F64, F32, F16, BF16, I64, I32, I16, I8, U8 and "
          + "BOOL can be read")
    }
    // In Double, for the sizes of a broken header may overflow; whole up to 2⁵³.
    let size = shape.reduce(Double(type.byteCount)) { $0 * Double($1) }
    guard size == Double(range.count) else {
      throw FileError(
        path: path,
        reason: "\"\(name)\" of shape \(shape) and type \(type.rawValue) needs "
          + "\(size < 0x1p53 ? String(Int(size)) : String(size)) bytes; its offsets hold "
          + "\(range.count)")
    }
    guard shape.reduce(1, { $0 * Double(max($1, 1)) }) < 0x1p60 else {
      throw FileError(path: path, reason: "\"\(name)\" cannot have the shape \(shape)")
    }
    guard range.upperBound <= numbers.count else {
      throw FileError(
        path: path,
        reason: "\"\(name)\" ends at byte \(range.upperBound) and there are \(numbers.count): the "
          + "file is truncated")
    }
    let bytes = numbers.dropFirst(range.lowerBound).prefix(range.count)
    return type.entry(name, shape: shape, in: bytes)
  }
}

extension StateDict.Entry {
  fileprivate func write(to file: FileHandle) throws {
    try value.withUnsafeBufferPointer { numbers in
      switch elementType {
      case .float32:
        guard let start = numbers.baseAddress else { return }
        let bytes = UnsafeMutableRawPointer(mutating: start)
        try file.write(
          contentsOf: Data(bytesNoCopy: bytes, count: 4 * numbers.count, deallocator: .none))
      case .int64:
        try numbers.map { Int64($0) }.withUnsafeBytes { try file.write(contentsOf: Data($0)) }
      }
    }
  }
}

extension Buffer.ElementType {
  fileprivate var numberType: NumberType {
    switch self {
    case .float32: .float32
    case .int64: .int64
    }
  }
}
