import Files
import Foundation
import Tensor

/// What a picture's file says before its pixels.
package struct PictureHead: Sendable, Hashable {
  /// The size as stored; nil if it stands further behind than was read.
  package let size: Size2D?
  /// The channels without opacity: 3 for all JPEG, PNG and WebP files, which become colors.
  package let channels: Int
  /// The bits of a value; floats have 32 or 64.
  package let bits: Int
  /// Whether the values are data in their own right, of a TIFF or NumPy file.
  package let isData: Bool
  /// Whether a TIFF file has pages behind the first, which alone is read.
  package let hasMorePages: Bool

  package init(
    size: Size2D?, channels: Int, bits: Int, isData: Bool, hasMorePages: Bool = false
  ) {
    (self.size, self.channels, self.bits, self.isData) = (size, channels, bits, isData)
    self.hasMorePages = hasMorePages
  }

  /// Reads the head of the file at `path`.
  ///
  /// - Throws: ``FileError`` if it cannot be read or is no picture.
  package init(of path: RawPath) throws {
    let start = PictureFile(
      path: "\(path)", contents: try path.contents(atMost: Self.bytesOfHeads))
    switch try start.format {
    case .jpeg: self.init(colors: JPEGMarkers.size(in: start.contents), bits: 8)
    case .png:
      self.init(
        colors: start.size(16, 4, lowestFirst: false), bits: LibPNG.bitDepth(start.contents))
    case .webP: self.init(colors: start.webPSize, bits: 8)
    case .numPy:
      let array = try NumPyArray(start.contents, of: start)
      self.init(
        size: try start.size(
          height: array.height, width: array.width, channels: array.channels),
        channels: array.channels, bits: array.sample.bits, isData: true)
    case .tiff:
      // Its head may stand anywhere; only the pages with it are read.
      let whole = PictureFile(path: "\(path)", contents: try path.mappedContents())
      let head = try library(LibTIFF.shared, for: whole.path).head(whole)
      self.init(
        size: head.size, channels: head.decoded.channels, bits: head.decoded.sample.bits,
        isData: true, hasMorePages: !head.isLastPage)
    }
  }

  private init(colors size: Size2D?, bits: Int) {
    self.init(size: size, channels: 3, bits: bits, isData: false)
  }

  /// Most JPEG files have their size behind no more than a small preview.
  private static let bytesOfHeads = 16_384
}

extension PictureFile {
  /// Width and height, which stand one behind the other in so many bytes each.
  fileprivate func size(_ place: Int, _ length: Int, lowestFirst: Bool, mask: Int = .max) -> Size2D?
  {
    let bytes = Array(contents.prefix(place + 2 * length))
    guard bytes.count == place + 2 * length else { return nil }
    func number(_ start: Int) -> Int {
      let part = bytes[start..<start + length]
      return (lowestFirst ? Array(part.reversed()) : Array(part)).reduce(0) { $0 << 8 | Int($1) }
        & mask
    }
    return Size2D(height: number(place + length), width: number(place))
  }

  /// The size of a WebP picture by the kind of its first chunk.
  fileprivate var webPSize: Size2D? {
    switch String(decoding: contents.dropFirst(12).prefix(4), as: UTF8.self) {
    case "VP8 ": return size(26, 2, lowestFirst: true, mask: 0x3fff)
    case "VP8X":
      return size(24, 3, lowestFirst: true).map {
        Size2D(height: $0.height + 1, width: $0.width + 1)
      }
    case "VP8L":
      let bits = contents.dropFirst(21).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      return Size2D(height: (bits >> 14 & 0x3fff) + 1, width: (bits & 0x3fff) + 1)
    default: return nil
    }
  }
}
