import Files
import Foundation
import Tensor

/// libwebp's interface for whole pictures, opened at run time.
struct LibWebP: Sendable {

  private let readHeader:
    @convention(c) @Sendable (
      _ file: UnsafePointer<UInt8>?, _ count: Int, _ width: UnsafeMutablePointer<Int32>,
      _ height: UnsafeMutablePointer<Int32>
    ) -> Int32
  private let decode:
    @convention(c) @Sendable (
      _ file: UnsafePointer<UInt8>?, _ count: Int, _ out: UnsafeMutablePointer<UInt8>?,
      _ capacity: Int, _ rowStride: Int32
    ) -> UnsafeMutablePointer<UInt8>?

  /// The library of this machine, or why there is none.
  static let shared = Result { try LibWebP(named: "libwebp.so.7") }

  init(named name: String) throws {
    let library = try DynamicLibrary(name, package: "libwebp7")
    readHeader = try library.function("WebPGetInfo")
    decode = try library.function("WebPDecodeRGBInto")
  }

  /// Decodes a file. Transparent pixels have the colour that is stored for them, as in torchvision.
  func picture(_ file: PictureFile) throws -> Picture {
    let damage = file.damage(
      "needs a whole WebP picture; libwebp cannot decode it, and does not say why")
    return try file.contents.withUnsafeBytes { contents in
      let start = contents.assumingMemoryBound(to: UInt8.self).baseAddress
      var (width, height): (Int32, Int32) = (0, 0)
      guard readHeader(start, contents.count, &width, &height) != 0 else { throw damage }
      let size = try file.size(height: Int(height), width: Int(width))
      // A lossless picture is decoded to four bytes a pixel first.
      return try Picture(size: size, .colors, decoderBytes: 4 * size.height * size.width) { out in
        guard decode(start, contents.count, out.baseAddress, out.count, width * 3) != nil else {
          throw damage
        }
      }
    }
  }
}
