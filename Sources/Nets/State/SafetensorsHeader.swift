import Foundation

/// The header of a safetensors file: what is where, and words.
///
/// The format's own rules: the header is an object in UTF-8, each name comes once, words are texts,
/// sizes are integers, and the tensors share the bytes behind it without holes, overlaps or a rest.
struct SafetensorsHeader {
  /// The tensors, in the order of their bytes.
  private(set) var tensors: [TensorDescriptor] = []
  private(set) var metadata: [String: String] = [:]

  /// The entry that holds words.
  static let metadataName = "__metadata__"

  /// - Parameters:
  ///   - json: The header.
  ///   - byteCount: How many bytes are behind it.
  ///   - path: The file, for errors.
  /// - Throws: `FileError`.
  init(_ json: Data, byteCount: Int, path: String) throws {
    func failure(_ reason: String) -> FileError { FileError(path: path, reason: reason) }
    do {
      try json.withUnsafeBytes { bytes in
        var scanner = JSONScanner(bytes.assumingMemoryBound(to: UInt8.self))
        try read(&scanner, failure)
      }
    } catch is JSONScanner.Failure {
      throw failure("its header is not JSON in UTF-8: it is not a safetensors file")
    }
    if let name = tensors.map(\.name).repeated().first?.name {
      throw failure("its header has \"\(name)\" twice")
    }
    tensors.sort {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    for tensor in tensors { try tensor.check(path: path) }
    try checkRanges(byteCount, failure)
  }

  private mutating func read(
    _ scanner: inout JSONScanner, _ failure: (String) -> FileError
  ) throws {
    var hasMetadata = false
    try scanner.object { name, scanner in
      guard name != Self.metadataName else {
        guard !hasMetadata else { throw failure("its header has \"\(name)\" twice") }
        hasMetadata = true
        return try readMetadata(&scanner, failure)
      }
      do {
        tensors.append(try TensorDescriptor(name: name, &scanner))
      } catch is JSONScanner.Failure {
        throw failure(
          "the header's entry \"\(name)\" needs a dtype, a shape and offsets, which are integers")
      }
    }
    try scanner.end()
  }

  private mutating func readMetadata(
    _ scanner: inout JSONScanner, _ failure: (String) -> FileError
  ) throws {
    if scanner.null() { return }
    do {
      try scanner.object { name, scanner in
        let text = try scanner.string()
        guard metadata.updateValue(text, forKey: name) == nil else {
          throw failure(
            "its metadata have \"\(name)\" twice, by the same letters or equivalent ones")
        }
      }
    } catch is JSONScanner.Failure {
      throw failure("its metadata need to be texts under names")
    }
  }

  private func checkRanges(_ byteCount: Int, _ failure: (String) -> FileError) throws {
    var end = 0
    for (index, tensor) in tensors.enumerated() {
      let (name, range) = (tensor.name, tensor.range)
      guard range.upperBound <= byteCount else {
        throw failure(
          "\"\(name)\" ends at byte \(range.upperBound) and there are \(byteCount): the file is "
            + "truncated")
      }
      guard range.lowerBound <= end else {
        throw failure("no tensor owns the bytes from \(end) to \(range.lowerBound)")
      }
      guard range.lowerBound == end else {
        throw failure(
          "\"\(name)\" begins at byte \(range.lowerBound), within \"\(tensors[index - 1].name)\"")
      }
      end = range.upperBound
    }
    guard end == byteCount else {
      throw failure("no tensor owns the last \(byteCount - end) bytes")
    }
  }
}

/// One tensor's entry in the header.
struct TensorDescriptor {
  let name: String
  let type: String
  let shape: [Int]
  let range: Range<Int>

  /// - Throws: ``JSONScanner/Failure`` if it is not an object of a type, a shape and offsets.
  init(name: String, _ scanner: inout JSONScanner) throws {
    var (type, shape, offsets): (String?, [Int]?, [Int]?)
    try scanner.object { field, scanner in
      switch field {
      case "dtype" where type == nil: type = try scanner.string()
      case "shape" where shape == nil: shape = try scanner.integers()
      case "data_offsets" where offsets == nil: offsets = try scanner.integers()
      case "dtype", "shape", "data_offsets": throw JSONScanner.Failure()
      default: try scanner.skip()
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
      throw JSONScanner.Failure()
    }
    (self.name, self.type, self.shape) = (name, type, shape)
    range = offsets[0]..<offsets[1]
  }

  /// Checks that the shape can be, and needs the bytes that there are.
  func check(path: String) throws {
    guard shape.count <= NumberType.highestRank else {
      throw FileError(
        path: path,
        reason: "\"\(name)\" has \(shape.count) axes; \(NumberType.highestRank) can be read")
    }
    // In Double, for the sizes of a broken header may overflow; whole up to 2⁵³.
    let bits = NumberType(rawValue: type).map { 8 * $0.byteCount } ?? Self.otherBits[type]
    if let bits {
      let size = shape.reduce(Double(bits)) { $0 * Double($1) } / 8
      guard size == Double(range.count) else {
        throw FileError(
          path: path,
          reason: "\"\(name)\" of shape \(shape) and type \(type) needs "
            + "\(size < 0x1p53 ? String(Int(size.rounded(.up))) : String(size)) bytes; its offsets "
            + "hold \(range.count)")
      }
    }
    guard shape.reduce(1, { $0 * Double(max($1, 1)) }) < 0x1p60 else {
      throw FileError(path: path, reason: "\"\(name)\" cannot have the shape \(shape)")
    }
  }

  /// The bits of a number of types whose tensors are passed over.
  private static let otherBits = [
    "C64": 64, "U64": 64, "U32": 32, "U16": 16, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
  ]
}
