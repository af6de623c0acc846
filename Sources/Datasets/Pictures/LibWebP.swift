import Tensor

/// libwebp's interface for whole pictures, opened at run time.
struct LibWebP: Sendable {
  private typealias ReadHeader =
    @convention(c) @Sendable (
      _ file: UnsafePointer<UInt8>?, _ count: Int, _ width: UnsafeMutablePointer<Int32>,
      _ height: UnsafeMutablePointer<Int32>
    ) -> Int32
  private typealias Decode =
    @convention(c) @Sendable (
      _ file: UnsafePointer<UInt8>?, _ count: Int, _ out: UnsafeMutablePointer<UInt8>?,
      _ capacity: Int, _ rowStride: Int32
    ) -> UnsafeMutablePointer<UInt8>?

  private let readHeader: ReadHeader
  private let decode: Decode

  /// The library of this machine, or why there is none.
  static let shared = Result { try LibWebP(named: "libwebp.so.7") }

  init(named name: String) throws {
    let library = try DynamicLibrary(name, package: "libwebp7")
    readHeader = try library.function("WebPGetInfo")
    decode = try library.function("WebPDecodeRGBInto")
  }

  /// Decodes a file. Transparent pixels have the colour that is stored for them, as in torchvision.
  func picture(_ file: [UInt8]) throws -> Picture {
    var (width, height): (Int32, Int32) = (0, 0)
    guard readHeader(file, file.count, &width, &height) != 0 else { throw Self.damage }
    let size = try Picture.size(height: Int(height), width: Int(width))
    let count = size.height * size.width * 3
    let bytes = try [UInt8](unsafeUninitializedCapacity: count) { out, written in
      guard decode(file, file.count, out.baseAddress, count, width * 3) != nil else {
        throw Self.damage
      }
      written = count
    }
    return Picture(size: size, bytes: bytes)
  }

  private static let damage = PictureDamage(
    reason: "needs a whole WebP picture; libwebp cannot decode it, and does not say why")
}
