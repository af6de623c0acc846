import Files
import Foundation
import Tensor

/// libjpeg-turbo's own interface for whole pictures, opened at run time.
struct TurboJPEG: Sendable {
  private typealias Handle = OpaquePointer

  private let begin: @convention(c) @Sendable () -> Handle?
  private let readHeader:
    @convention(c) @Sendable (
      Handle, _ file: UnsafePointer<UInt8>?, _ count: UInt, _ width: UnsafeMutablePointer<Int32>,
      _ height: UnsafeMutablePointer<Int32>, _ subsampling: UnsafeMutablePointer<Int32>,
      _ colorSpace: UnsafeMutablePointer<Int32>
    ) -> Int32
  private let decompress:
    @convention(c) @Sendable (
      Handle, _ file: UnsafePointer<UInt8>?, _ count: UInt, _ out: UnsafeMutablePointer<UInt8>?,
      _ width: Int32, _ rowBytes: Int32, _ height: Int32, _ pixelFormat: Int32, _ flags: Int32
    ) -> Int32
  /// Of version 3.
  private let parameter: (@convention(c) @Sendable (Handle, _ parameter: Int32) -> Int32)?
  private let beginCompression: @convention(c) @Sendable () -> Handle?
  private let bound:
    @convention(c) @Sendable (_ width: Int32, _ height: Int32, _ subsampling: Int32) -> UInt
  private let compress:
    @convention(c) @Sendable (
      Handle, _ pixels: UnsafePointer<UInt8>?, _ width: Int32, _ rowBytes: Int32, _ height: Int32,
      _ pixelFormat: Int32, _ file: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>,
      _ count: UnsafeMutablePointer<UInt>, _ subsampling: Int32, _ quality: Int32, _ flags: Int32
    ) -> Int32
  private let lastError: @convention(c) @Sendable (Handle) -> UnsafePointer<CChar>?
  private let errorCode: @convention(c) @Sendable (Handle) -> Int32
  private let end: @convention(c) @Sendable (Handle) -> Int32

  /// The library of this machine, or why there is none.
  static let shared = Result { try TurboJPEG(named: "libturbojpeg.so.0") }

  init(named name: String) throws {
    let library = try DynamicLibrary(name, package: "libturbojpeg0-dev")
    begin = try library.function("tjInitDecompress")
    readHeader = try library.function("tjDecompressHeader3")
    decompress = try library.function("tjDecompress2")
    parameter = library.has("tj3Get") ? try library.function("tj3Get") : nil
    beginCompression = try library.function("tjInitCompress")
    bound = try library.function("tjBufSize")
    compress = try library.function("tjCompress2")
    lastError = try library.function("tjGetErrorStr2")
    errorCode = try library.function("tjGetErrorCode")
    end = try library.function("tjDestroy")
  }

  /// Decodes a file; at a half, a quarter or an eighth of its size if that is at least twice
  /// `needed`.
  func picture(_ file: PictureFile, needed: Size2D?) throws -> Picture {
    guard let handle = begin() else { throw FileError(file.path, "libjpeg-turbo cannot start") }
    defer { _ = end(handle) }
    return try file.contents.withUnsafeBytes { contents in
      let contents = contents.assumingMemoryBound(to: UInt8.self)
      var (width, height, subsampling, colorSpace): (Int32, Int32, Int32, Int32) = (0, 0, 0, -1)
      let status = readHeader(
        handle, contents.baseAddress, UInt(contents.count), &width, &height, &subsampling,
        &colorSpace)
      // A header with an unusual subsampling counts as an error, and can be decoded. Since version 3
      // the color space is not given then, but can be asked for.
      if status != 0, colorSpace < 0, let parameter {
        colorSpace = parameter(handle, Self.colorSpaceParameter)
      }
      guard status == 0 || (width > 0 && height > 0 && colorSpace >= 0) else {
        throw damage(file, handle)
      }
      let full = try file.size(height: Int(height), width: Int(width))
      let size = Self.decodedSize(full, needed: needed)
      let hasInks = ColorSpace.withInks.contains(colorSpace)
      let scans = Self.scanCount(contents)
      guard scans * full.height * full.width <= Self.mostScannedPixels else {
        throw file.damage("needs fewer scans for a picture of \(full) pixels; got \(scans)")
      }
      return try Picture(
        size: size, hasInks ? .inks : .colors,
        decoderBytes: scans > 1 ? Self.bytesOfCoefficients * full.height * full.width : 0
      ) { out in
        let status = decompress(
          handle, contents.baseAddress, UInt(contents.count), out.baseAddress, Int32(size.width), 0,
          Int32(size.height), hasInks ? PixelFormat.cmyk : PixelFormat.rgb, Self.limitedScans)
        guard status == 0 || isHarmless(handle, file) else { throw damage(file, handle) }
      }
    }
  }

  /// The file for `path` of red, green and blue of each pixel; colors are as fine as brightness.
  func file(_ path: String, of colors: [UInt8], size: Size2D, quality: Int) throws -> [UInt8] {
    guard let handle = beginCompression() else {
      throw FileError(path, "libjpeg-turbo cannot start", .unwritable)
    }
    defer { _ = end(handle) }
    let (width, height) = (Int32(size.width), Int32(size.height))
    var count = bound(width, height, Self.fullColors)
    return try [UInt8](unsafeUninitializedCapacity: Int(count)) { out, written in
      var start = out.baseAddress
      let status = compress(
        handle, colors, width, 0, height, PixelFormat.rgb, &start, &count, Self.fullColors,
        Int32(quality), Self.givenMemory)
      guard status == 0, start == out.baseAddress else {
        let message = lastError(handle).map { String(cString: $0) } ?? "no reason given"
        throw FileError(path, "cannot be written; libjpeg-turbo says: \(message)", .unwritable)
      }
      written = Int(count)
    }
  }

  /// Whether the last call ended with a warning and the file is not cut short.
  ///
  /// Damage within a scan is shown as libjpeg shows it, as in torchvision. The library's message is
  /// only about the last thing that it missed, so it cannot decide this.
  private func isHarmless(_ handle: Handle, _ file: PictureFile) -> Bool {
    errorCode(handle) == Self.warning && JPEGMarkers.hasEnd(file.contents)
  }

  /// How many scans a file has, about: more than one if it is progressive.
  private static func scanCount(_ file: UnsafeBufferPointer<UInt8>) -> Int {
    file.indices.dropFirst().count { file[$0] == 0xda && file[$0 - 1] == 0xff }
  }

  private func damage(_ file: PictureFile, _ handle: Handle) -> FileError {
    let message = lastError(handle).map { String(cString: $0) } ?? "no reason given"
    return file.damage("needs a whole JPEG picture; libjpeg-turbo says: \(message)")
  }

  /// The whole size, or the smallest of its half, quarter and eighth that is at least twice
  /// `needed`.
  static func decodedSize(_ full: Size2D, needed: Size2D?) -> Size2D {
    guard let needed else { return full }
    let parts = [8, 4, 2].map { part in
      Size2D(height: (full.height + part - 1) / part, width: (full.width + part - 1) / part)
    }
    return parts.first { $0.height >= 2 * needed.height && $0.width >= 2 * needed.width } ?? full
  }

  // Of turbojpeg.h.
  private static let warning: Int32 = 0
  private static let colorSpaceParameter: Int32 = 8
  /// A progressive picture of very many scans would take minutes.
  private static let limitedScans: Int32 = 32_768
  /// The file goes to the memory that the caller has.
  private static let givenMemory: Int32 = 1_024
  private static let fullColors: Int32 = 0
  /// Each scan goes over the whole picture: twenty of one at the limit of pixels take seconds.
  private static let mostScannedPixels = 20 * PictureFile.mostPixels
  /// Two bytes for each color of a pixel, kept until the last scan of a progressive picture.
  private static let bytesOfCoefficients = 6

  private enum PixelFormat {
    static let rgb: Int32 = 0
    static let cmyk: Int32 = 11
  }

  private enum ColorSpace {
    /// CMYK and YCCK.
    static let withInks: Set<Int32> = [3, 4]
  }
}
