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
    decode = try library.function("WebPDecodeRGBAInto")
  }

  /// Decodes a file; of an animation its first picture.
  func picture(_ file: PictureFile) throws -> Picture {
    let damage = file.damage(
      "needs a whole WebP picture; libwebp cannot decode it, and does not say why")
    return try file.contents.withUnsafeBytes { contents in
      let start = contents.assumingMemoryBound(to: UInt8.self).baseAddress
      var (width, height): (Int32, Int32) = (0, 0)
      guard readHeader(start, contents.count, &width, &height) != 0 else { throw damage }
      let size = try file.size(height: Int(height), width: Int(width))
      let animation =
        file.isAnimation ? try library(WebPAnimation.shared, for: file.path) : nil
      // A lossless picture is decoded to four bytes a pixel first, an animation onto a canvas.
      return try Picture(
        size: size, .colorsAndAlpha,
        decoderBytes: (animation == nil ? 4 : 8) * size.height * size.width
      ) { out in
        let isDecoded =
          animation.map { $0.decodeFirst(of: contents, into: out) }
          ?? (decode(start, contents.count, out.baseAddress, out.count, width * 4) != nil)
        guard isDecoded else { throw damage }
      }
    }
  }
}

extension PictureFile {
  /// Whether a WebP file holds several pictures: a flag of the chunk that begins such a file.
  fileprivate var isAnimation: Bool {
    guard let flags = chunk("VP8X", from: 12, lengthFirst: false)?.first else { return false }
    return flags & 0x02 != 0
  }
}

/// The part of libwebp that reads animations, opened at run time.
struct WebPAnimation: Sendable {
  private typealias Decoder = OpaquePointer

  private let makeDecoder:
    @convention(c) @Sendable (
      _ file: UnsafeRawPointer, _ options: OpaquePointer?, _ version: Int32
    ) -> Decoder?
  private let nextPicture:
    @convention(c) @Sendable (
      Decoder, _ pixels: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>,
      _ milliseconds: UnsafeMutablePointer<Int32>
    ) -> Int32
  private let free: @convention(c) @Sendable (Decoder) -> Void

  static let shared = Result { try WebPAnimation(named: "libwebpdemux.so.2") }

  init(named name: String) throws {
    let library = try DynamicLibrary(name, package: "libwebpdemux2")
    makeDecoder = try library.function("WebPAnimDecoderNewInternal")
    nextPicture = try library.function("WebPAnimDecoderGetNext")
    free = try library.function("WebPAnimDecoderDelete")
  }

  /// `WebPData` of the library's mux_types.h.
  private struct FileBytes {
    var start: UnsafePointer<UInt8>?
    var count: Int
  }

  /// WEBP_DEMUX_ABI_VERSION of demux.h
  private static let version: Int32 = 0x0107

  /// out[height, width, 4] = the first picture, with the opacity of its pixels
  func decodeFirst(
    of file: UnsafeRawBufferPointer, into out: UnsafeMutableBufferPointer<UInt8>
  ) -> Bool {
    var bytes = FileBytes(
      start: file.assumingMemoryBound(to: UInt8.self).baseAddress, count: file.count)
    guard let decoder = makeDecoder(&bytes, nil, Self.version) else { return false }
    defer { free(decoder) }
    var (pixels, milliseconds): (UnsafeMutablePointer<UInt8>?, Int32) = (nil, 0)
    guard nextPicture(decoder, &pixels, &milliseconds) != 0, let pixels else { return false }
    _ = out.update(fromContentsOf: UnsafeBufferPointer(start: pixels, count: out.count))
    return true
  }
}
