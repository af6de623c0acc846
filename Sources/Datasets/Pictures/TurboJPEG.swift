import Foundation
import Tensor

/// libjpeg-turbo's own interface for whole pictures, opened at run time.
struct TurboJPEG: Sendable {
  private typealias Handle = OpaquePointer
  private typealias Begin = @convention(c) @Sendable () -> Handle?
  private typealias ReadHeader =
    @convention(c) @Sendable (
      Handle, _ file: UnsafePointer<UInt8>?, _ count: UInt, _ width: UnsafeMutablePointer<Int32>,
      _ height: UnsafeMutablePointer<Int32>, _ subsampling: UnsafeMutablePointer<Int32>,
      _ colorSpace: UnsafeMutablePointer<Int32>
    ) -> Int32
  private typealias Decompress =
    @convention(c) @Sendable (
      Handle, _ file: UnsafePointer<UInt8>?, _ count: UInt, _ out: UnsafeMutablePointer<UInt8>?,
      _ width: Int32, _ rowBytes: Int32, _ height: Int32, _ pixelFormat: Int32, _ flags: Int32
    ) -> Int32
  private typealias LastError = @convention(c) @Sendable (Handle) -> UnsafePointer<CChar>?
  private typealias ErrorCode = @convention(c) @Sendable (Handle) -> Int32
  private typealias End = @convention(c) @Sendable (Handle) -> Int32

  private let begin: Begin
  private let readHeader: ReadHeader
  private let decompress: Decompress
  private let lastError: LastError
  private let errorCode: ErrorCode
  private let end: End

  /// The library of this machine, or why there is none.
  static let shared = Result { try TurboJPEG(named: "libturbojpeg.so.0") }

  init(named name: String) throws {
    let library = try DynamicLibrary(name, package: "libturbojpeg0-dev")
    begin = try library.function("tjInitDecompress")
    readHeader = try library.function("tjDecompressHeader3")
    decompress = try library.function("tjDecompress2")
    lastError = try library.function("tjGetErrorStr2")
    errorCode = try library.function("tjGetErrorCode")
    end = try library.function("tjDestroy")
  }

  /// Decodes a file; at a half, a quarter or an eighth of its size if that is at least twice `needed`.
  func picture(_ file: [UInt8], needed: Size2D?) throws -> Picture {
    guard let handle = begin() else { throw PictureDamage(reason: "libjpeg-turbo cannot start") }
    defer { _ = end(handle) }
    var (width, height, subsampling, colorSpace): (Int32, Int32, Int32, Int32) = (0, 0, 0, -1)
    let status = readHeader(
      handle, file, UInt(file.count), &width, &height, &subsampling, &colorSpace)
    // A header with an unusual subsampling counts as an error, and can be decoded.
    guard status == 0 || (width > 0 && height > 0 && colorSpace >= 0) else { throw damage(handle) }
    let full = try Picture.size(height: Int(height), width: Int(width))
    let size = Self.decodedSize(full, needed: needed)
    let hasFourInks = ColorSpace.withFourInks.contains(colorSpace)
    let channels = hasFourInks ? 4 : 3
    let format = hasFourInks ? PixelFormat.cmyk : PixelFormat.rgb
    let count = size.height * size.width * channels
    let bytes = try [UInt8](unsafeUninitializedCapacity: count) { out, written in
      let status = decompress(
        handle, file, UInt(file.count), out.baseAddress, Int32(size.width), 0, Int32(size.height),
        format, Self.limitedScans)
      guard status == 0 || isHarmless(handle, file) else { throw damage(handle) }
      written = count
    }
    return Picture(size: size, bytes: hasFourInks ? Self.colors(of: bytes) : bytes)
  }

  /// Whether the last call ended with a warning, and the file is not cut short: damage within a scan is shown
  /// as libjpeg shows it, as in torchvision. libjpeg-turbo's words tell only of the last thing that it missed.
  private func isHarmless(_ handle: Handle, _ file: [UInt8]) -> Bool {
    guard errorCode(handle) == Self.warning, let scan = Self.last(0xda, in: file) else {
      return false
    }
    return Self.last(0xd9, in: file).map { $0 > scan } ?? false
  }

  /// The position of a file's last marker of one kind: scans begin with da, pictures end with d9.
  private static func last(_ marker: UInt8, in file: [UInt8]) -> Int? {
    file.indices.dropFirst().last { file[$0] == marker && file[$0 - 1] == 0xff }
  }

  private func message(_ handle: Handle) -> String {
    lastError(handle).map { String(cString: $0) } ?? "no reason given"
  }

  private func damage(_ handle: Handle) -> PictureDamage {
    PictureDamage(reason: "needs a whole JPEG picture; libjpeg-turbo says: \(message(handle))")
  }

  /// The whole size, or the smallest of its half, quarter and eighth that is at least twice `needed`.
  static func decodedSize(_ full: Size2D, needed: Size2D?) -> Size2D {
    guard let needed else { return full }
    let parts = [8, 4, 2].map { part in
      Size2D(height: (full.height + part - 1) / part, width: (full.width + part - 1) / part)
    }
    return parts.first { $0.height >= 2 * needed.height && $0.width >= 2 * needed.width } ?? full
  }

  /// Red, green and blue of pictures in cyan, magenta, yellow and black, which files hold inverted.
  private static func colors(of inks: [UInt8]) -> [UInt8] {
    var colors: [UInt8] = []
    colors.reserveCapacity(inks.count / 4 * 3)
    for pixel in stride(from: 0, to: inks.count, by: 4) {
      let black = Int(inks[pixel + 3])
      for ink in 0..<3 { colors.append(UInt8((Int(inks[pixel + ink]) * black + 127) / 255)) }
    }
    return colors
  }

  // Of turbojpeg.h.
  private static let warning: Int32 = 0
  /// A progressive picture of very many scans would take minutes.
  private static let limitedScans: Int32 = 32_768

  private enum PixelFormat {
    static let rgb: Int32 = 0
    static let cmyk: Int32 = 11
  }

  private enum ColorSpace {
    /// CMYK and YCCK.
    static let withFourInks: Set<Int32> = [3, 4]
  }
}
