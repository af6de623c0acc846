import Files
import Foundation
import Tensor

// A safetensors file is the length of its header as eight little-endian bytes, the header in JSON
// (name -> type, shape, range of bytes), and the numbers.
extension StateDict {
  /// Reads a safetensors file, or one that torch.save wrote; 16- and 64-bit floats and integers
  /// become 32-bit floats.
  ///
  /// In a file of torch.save's, nested dictionaries, of any class, and modules become dotted names,
  /// numbers and texts become notes. Of a checkpoint, `state.scoped(to: "state_dict")` is the
  /// network. No code in the file is run.
  ///
  /// A tensor of another type, or of integers that no 32-bit float equals, is among ``unreadable``.
  ///
  /// - Throws: `FileError` if the file cannot be read or is not whole.
  public init(contentsOf path: String) throws {
    // Mapped, for the numbers are copied once more into tensors.
    let file = try mappedContents(path)
    if TorchFile.isOne(file) {
      self = try TorchFile(file, path: path).state
    } else {
      try self.init(safetensors: file, path: path)
    }
  }

  init(safetensors file: Data, path: String) throws {
    guard !file.starts(with: "version https://git-lfs".utf8) else {
      throw FileError(
        path: path, reason: "it is a pointer of Git LFS, not the file: git lfs pull fetches it")
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
    guard length <= Self.longestHeader else {
      throw FileError(
        path: path,
        reason: "its header has \(length) bytes; the format has \(Self.longestHeader) at most")
    }
    let start = file.startIndex + 8 + Int(length)
    let numbers = file[start...]
    let header = try SafetensorsHeader(
      file[file.startIndex + 8..<start], byteCount: numbers.count, path: path)
    var (entries, unreadable): ([Entry], [Unreadable]) = ([], [])
    for tensor in header.tensors {
      do {
        entries.append(try tensor.entry(in: numbers))
      } catch let failure as UnreadableNumbers {
        unreadable.append(Unreadable(name: tensor.name, reason: failure.reason))
      }
    }
    self.init(
      entries, unreadable: unreadable,
      metadata: header.metadata.filter { $0.key != Self.formatName })
  }

  private static let longestHeader = 100_000_000

  /// The name under which torch and Hugging Face's readers look for "pt".
  private static let formatName = "format"

  /// Writes a safetensors file that torch's and Hugging Face's readers take.
  ///
  /// - Throws: `FileError` if the file cannot be written, an earlier one stays as it was; or if the
  ///   format cannot hold the state: two tensors of one name, a tensor called `__metadata__`,
  ///   metadata called "format", counts that are no integers, or tensors that could not be read.
  public func write(to path: String) throws {
    if let reason = reasonAgainstWriting {
      throw FileError(path: path, reason: "cannot be written: \(reason)", kind: .unwritable)
    }
    var offset = 0
    let fieldsOfMetadata = [(Self.formatName, "pt")] + metadata.sorted { $0.key < $1.key }
    var fields = [
      "\"\(SafetensorsHeader.metadataName)\":{"
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

  /// What a file of the format cannot hold, or nil.
  private var reasonAgainstWriting: String? {
    if let name = names.repeated().first?.name { return "it has two tensors called \"\(name)\"" }
    if names.contains(SafetensorsHeader.metadataName) {
      return "no tensor can be called \"\(SafetensorsHeader.metadataName)\""
    }
    if metadata[Self.formatName] != nil {
      return "no metadata can be called \"\(Self.formatName)\", which says that it is torch's"
    }
    if let tensor = unreadable.first {
      return "\"\(tensor.name)\" was not read, for it \(tensor.reason); "
        + "removing(\"\(tensor.name)\") leaves it out"
    }
    return entries.lazy.compactMap(\.reasonAgainstWriting).first
  }
}

extension TensorDescriptor {
  /// The tensor in the bytes behind the header.
  ///
  /// - Throws: ``UnreadableNumbers``.
  fileprivate func entry(in numbers: Data) throws -> StateDict.Entry {
    guard let type = NumberType(rawValue: type) else {
      throw UnreadableNumbers(type: type)
    }
    let bytes = numbers.dropFirst(range.lowerBound).prefix(range.count)
    return try type.entry(name, shape: shape, in: bytes)
  }
}

extension StateDict.Entry {
  fileprivate var reasonAgainstWriting: String? {
    guard elementType == .int64 else { return nil }
    return value.withUnsafeBufferPointer { $0.first { Int64(exactly: $0) == nil } }
      .map { "\"\(name)\" needs integers of 64 bits, got \($0)" }
  }

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
