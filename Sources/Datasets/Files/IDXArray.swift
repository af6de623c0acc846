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
    try self.init(unpackedContents(path), path: path, rank: rank)
  }

  init(_ file: Data, path: String, rank: Int) throws {
    let headerCount = 4 + 4 * rank
    try Self.checkMagic(file.prefix(4), path: path, rank: rank)
    guard file.count >= headerCount else {
      throw FileError(
        path, "needs an IDX header of \(headerCount) bytes; the file has \(file.count) bytes")
    }
    dimensions = stride(from: 4, to: headerCount, by: 4).map { start in
      file[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
    }
    let needed = Self.elementCount(dimensions)
    let found = file.count - headerCount
    guard found == needed else {
      let amount = needed.map { "\($0)" } ?? "more than 2^63"
      throw FileError(
        path,
        "needs \(amount) bytes after the header for dimensions \(dimensions); got \(found), "
          + (found < (needed ?? .max) ? "so it is cut short" : "so something follows the data"))
    }
    bytes = Array(file[headerCount...])
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

  /// The product of the sizes, or nothing if it is too large for an `Int`.
  private static func elementCount(_ dimensions: [Int]) -> Int? {
    if dimensions.contains(0) { return 0 }
    var product = 1
    for size in dimensions {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      product = next
    }
    return product
  }
}
