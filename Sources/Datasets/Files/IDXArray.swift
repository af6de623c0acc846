import Files
import Foundation

/// An array of bytes from a file in the IDX format, that of MNIST and the data sets after it.
///
/// Two zeros, a byte for the type of the elements, a byte for the number of dimensions; the
/// dimensions as big-endian 32-bit numbers; the elements, last dimension fastest
/// (yann.lecun.com/exdb/mnist).
public struct IDXArray: Hashable, Sendable {
  /// The size along each dimension.
  public let dimensions: [Int]
  /// The elements, last dimension fastest.
  public let bytes: [UInt8]

  private static let unsignedByte: UInt8 = 0x08

  /// Reads the file at `path`, plain or gzipped.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - rank: The number of dimensions it must have.
  /// - Throws: `FileError` if the file is not exactly that.
  public init(path: String, rank: Int) throws {
    let file = try unpackedContents(path) { start in
      // A file that is too short for a header is unpacked to its end.
      start.count < 4 + 4 * rank
        ? nil : try Self.header(of: start, path: path, rank: rank).fileCount
    }
    try self.init(file, path: path, rank: rank)
  }

  init(_ file: Data, path: String, rank: Int) throws {
    let header = try Self.header(of: file, path: path, rank: rank)
    guard file.count == header.fileCount else {
      let (headerCount, found) = (4 + 4 * rank, file.count - 4 - 4 * rank)
      throw FileError(
        path,
        "needs \(header.fileCount - headerCount) bytes after the header for dimensions "
          + "\(header.dimensions); got \(found), "
          + (file.count < header.fileCount ? "so it is cut short" : "so something follows the data")
      )
    }
    dimensions = header.dimensions
    bytes = Array(file.dropFirst(4 + 4 * rank))
  }

  /// The dimensions, and the bytes of the whole file.
  private static func header(
    of file: Data, path: String, rank: Int
  ) throws -> (dimensions: [Int], fileCount: Int) {
    let headerCount = 4 + 4 * rank
    try Self.checkMagic(file.prefix(4), path: path, rank: rank)
    guard file.count >= headerCount else {
      throw FileError(
        path, "needs an IDX header of \(headerCount) bytes; the file has \(file.count) bytes")
    }
    let dimensions = stride(from: 4, to: headerCount, by: 4).map { start in
      file.dropFirst(start).prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }
    guard let count = elementCount(dimensions) else {
      throw FileError(path, "needs dimensions whose product is below 2^62; got \(dimensions)")
    }
    return (dimensions, headerCount + count)
  }

  private static func checkMagic(_ magic: Data, path: String, rank: Int) throws {
    let found = magic.map { hexadecimal($0) }.joined(separator: " ")
    guard magic.count == 4, magic.starts(with: [0, 0]) else {
      throw FileError(
        path,
        "needs an IDX file, which starts with 00 00 08 \(hexadecimal(UInt8(rank))); "
          + (found.isEmpty ? "the file is empty" : "got \(found)"))
    }
    guard magic[2] == unsignedByte else {
      throw FileError(
        path, "needs IDX elements of type 08 (unsigned bytes); got type \(hexadecimal(magic[2]))")
    }
    guard Int(magic[3]) == rank else {
      throw FileError(path, "needs an IDX array of \(rank) dimensions; got \(magic[3])")
    }
  }

  /// The product of the sizes, or nil if it, or that of those above zero, is too large.
  private static func elementCount(_ dimensions: [Int]) -> Int? {
    var product = 1
    for size in dimensions {
      let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
      if overflow || next >= 1 << 62 { return nil }
      product = next
    }
    return dimensions.contains(0) ? 0 : product
  }
}
