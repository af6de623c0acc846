import Files
import Foundation
import Tensor

/// A file that should hold a picture.
struct PictureFile {
  let path: String
  let contents: Data

  /// The file at `path`.
  ///
  /// - Throws: ``FileError`` if it cannot be read.
  init(_ path: RawPath) throws {
    self.path = "\(path)"
    contents = try path.contents()
  }

  /// Contents that are no file's, or only the beginning of one.
  init(path: String, contents: Data) { (self.path, self.contents) = (path, contents) }

  enum Format {
    case jpeg, png, webP, tiff, numPy
  }

  /// The format, by the first bytes.
  var format: Format {
    get throws {
      if contents.starts(with: [0xff, 0xd8, 0xff]) { return .jpeg }
      if contents.starts(with: [0x89, 0x50, 0x4e, 0x47]) { return .png }
      if contents.starts(with: "RIFF".utf8), contents.dropFirst(8).starts(with: "WEBP".utf8) {
        return .webP
      }
      if contents.starts(with: NumPyArray.signature) { return .numPy }
      if Self.tiffSignatures.contains(where: contents.starts) { return .tiff }
      if contents.starts(with: "version https://git-lfs".utf8) {
        throw damage("needs a picture; this is a pointer of Git LFS: git lfs pull gets the picture")
      }
      throw damage("needs a JPEG, PNG, WebP, TIFF or NumPy picture; \(otherContents)")
    }
  }

  /// What a file is, in words, that is no picture of these formats.
  private var otherContents: String {
    if contents.starts(with: "GIF8".utf8) { return "this is a GIF file" }
    if contents.starts(with: "BM".utf8) { return "this is a BMP file" }
    // What cameras write and programs rename to .jpg.
    let box = contents.dropFirst(4)
    if box.starts(with: "ftyphei".utf8) || box.starts(with: "ftypmif1".utf8) {
      return "this is a HEIC file"
    }
    if box.starts(with: "ftypavif".utf8) { return "this is an AVIF file" }
    let start = contents.prefix(4).map { hexadecimal($0) }.joined(separator: " ")
    return start.isEmpty ? "the file is empty" : "the file starts with \(start)"
  }

  /// Of either byte order, and with places of 32 or 64 bits.
  private static let tiffSignatures: [[UInt8]] = [
    [0x49, 0x49, 42, 0], [0x4d, 0x4d, 0, 42], [0x49, 0x49, 43, 0], [0x4d, 0x4d, 0, 43],
  ]

  /// An error that says the contents are at fault.
  func damage(_ reason: String) -> FileError { FileError(path, reason, .damaged) }

  /// Pillow's limit: a damaged or malicious file may claim to have more.
  static let mostPixels = 178_956_970

  /// The size in the file's header.
  ///
  /// - Throws: ``FileError`` if it cannot be true.
  func size(height: Int, width: Int) throws -> Size2D {
    let (pixels, overflow) = height.multipliedReportingOverflow(by: width)
    guard height > 0, width > 0, !overflow, pixels <= Self.mostPixels else {
      throw damage(
        "needs a picture of 1 to \(Self.mostPixels) pixels; the file says it has \(height)x\(width)"
      )
    }
    return Size2D(height: height, width: width)
  }

  /// The size and the channels in a header.
  ///
  /// - Throws: ``FileError`` if they cannot be true.
  func size(height: Int, width: Int, channels: Int) throws -> Size2D {
    let size = try size(height: height, width: width)
    guard (1...Self.mostChannels).contains(channels) else {
      throw damage("needs 1 to \(Self.mostChannels) channels; the file says it has \(channels)")
    }
    guard height * width * channels <= Self.mostSamples else {
      throw damage(
        "needs at most \(Self.mostSamples) values; the file says it has \(height)x\(width) of "
          + "\(channels)")
    }
    return size
  }

  private static let mostChannels = 1_024
  /// Four of each pixel of the largest picture.
  private static let mostSamples = 4 * mostPixels
}
