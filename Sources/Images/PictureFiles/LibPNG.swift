import Files
import Foundation
import Tensor

/// libpng's interface for whole pictures, opened at run time.
struct LibPNG: Sendable {

  private let begin:
    @convention(c) @Sendable (
      _ image: UnsafeMutableRawPointer, _ file: UnsafePointer<UInt8>?, _ count: Int
    ) -> Int32
  private let finish:
    @convention(c) @Sendable (
      _ image: UnsafeMutableRawPointer, _ background: UnsafeRawPointer?,
      _ out: UnsafeMutableRawPointer?, _ rowStride: Int32, _ colorMap: UnsafeMutableRawPointer?
    ) -> Int32
  private let write:
    @convention(c) @Sendable (
      _ image: UnsafeMutableRawPointer, _ file: UnsafeMutablePointer<UInt8>?,
      _ count: UnsafeMutablePointer<Int>, _ toEightBits: Int32, _ pixels: UnsafePointer<UInt8>?,
      _ rowStride: Int32, _ colorMap: UnsafeRawPointer?
    ) -> Int32
  private let free: @convention(c) @Sendable (_ image: UnsafeMutableRawPointer) -> Void

  /// The library of this machine, or why there is none.
  static let shared = Result { try LibPNG(named: "libpng16.so.16") }

  init(named name: String) throws {
    let library = try DynamicLibrary(name, package: "libpng16-16")
    begin = try library.function("png_image_begin_read_from_memory")
    finish = try library.function("png_image_finish_read")
    write = try library.function("png_image_write_to_memory")
    free = try library.function("png_image_free")
  }

  /// Decodes a file; at 16 bits if it has them and `depth` keeps them. Colours are not converted, as
  /// in torchvision.
  func picture(_ file: PictureFile, depth: PictureOptions.Depth) throws -> Picture {
    var image = ControlBlock()
    let isDeep = depth == .sixteen && Self.bitDepth(file.contents) == 16
    // libpng keeps the pointer to the contents until it has finished.
    return try Self.withoutColorSpace(file.contents).withUnsafeBytes { contents in
      try withUnsafeMutableBytes(of: &image) { block in
        guard let address = block.baseAddress else { throw file.damage("no memory") }
        defer { free(address) }
        func damage() -> FileError {
          file.damage("needs a whole PNG picture; libpng says: \(message(block))")
        }
        block.storeBytes(
          of: ControlBlock.currentVersion, toByteOffset: ControlBlock.version, as: UInt32.self)
        let start = contents.assumingMemoryBound(to: UInt8.self).baseAddress
        guard begin(address, start, contents.count) != 0 else { throw damage() }
        let size = try file.size(
          height: Int(block.load(fromByteOffset: ControlBlock.height, as: UInt32.self)),
          width: Int(block.load(fromByteOffset: ControlBlock.width, as: UInt32.self)))
        return try Picture(size: size, prepare(block, isDeep: isDeep)) { out in
          guard finish(address, nil, out.baseAddress, 0, nil) != 0 else { throw damage() }
        }
      }
    }
  }

  /// Says what libpng is to write, and what that is.
  private func prepare(_ block: UnsafeMutableRawBufferPointer, isDeep: Bool) -> Picture.Layout {
    guard isDeep else {
      block.storeBytes(
        of: ControlBlock.colorAndAlpha, toByteOffset: ControlBlock.format, as: UInt32.self)
      // Without this, libpng takes samples of 16 bits for linear light.
      let flags = block.load(fromByteOffset: ControlBlock.flags, as: UInt32.self)
      block.storeBytes(
        of: flags | ControlBlock.sixteenBitsAreSRGB, toByteOffset: ControlBlock.flags,
        as: UInt32.self)
      return .colorsAndAlpha
    }
    // Linear light, which libpng takes samples of 16 bits for, comes out as it went in.
    let hasAlpha =
      block.load(fromByteOffset: ControlBlock.format, as: UInt32.self) & ControlBlock.alpha != 0
    block.storeBytes(
      of: ControlBlock.color | ControlBlock.linear | (hasAlpha ? ControlBlock.alpha : 0),
      toByteOffset: ControlBlock.format, as: UInt32.self)
    return Picture.Layout(
      channels: 3, opacity: hasAlpha ? .premultiplied : .none, sample: .uint16)
  }

  /// The bits of a sample, which the first chunk says.
  static func bitDepth(_ file: Data) -> Int {
    file.count > 24 ? Int(file[file.startIndex + 24]) : 0
  }

  /// The file for `path` of red, green and blue of each pixel.
  func file(_ path: String, of colors: [UInt8], size: Size2D) throws -> [UInt8] {
    var image = ControlBlock()
    return try withUnsafeMutableBytes(of: &image) { block in
      guard let address = block.baseAddress else { throw FileError(path, "no memory") }
      defer { free(address) }
      for (value, place) in [
        (ControlBlock.currentVersion, ControlBlock.version),
        (UInt32(size.height), ControlBlock.height), (UInt32(size.width), ControlBlock.width),
        (ControlBlock.color, ControlBlock.format),
      ] { block.storeBytes(of: value, toByteOffset: place, as: UInt32.self) }
      // An upper limit: what libpng would need if nothing became smaller.
      var count = colors.count + colors.count / 100 + size.height + (1 << 12)
      return try [UInt8](unsafeUninitializedCapacity: count) { out, written in
        guard write(address, out.baseAddress, &count, 0, colors, 0, nil) != 0 else {
          throw FileError(
            path, "cannot be written; libpng says: \(message(block))", .unwritable)
        }
        written = count
      }
    }
  }

  private func message(_ block: UnsafeMutableRawBufferPointer) -> String {
    String(decoding: block[ControlBlock.message...].prefix { $0 != 0 }, as: UTF8.self)
  }

  /// The file without the chunks by which libpng would convert colours to sRGB.
  ///
  /// A chunk is its length, four letters, so many bytes and a check sum.
  static func withoutColorSpace(_ file: Data) -> Data {
    let (signature, frame) = (8, 12)
    var (kept, start, place) = (Data(), file.startIndex, file.startIndex + signature)
    // Kept parts are copied once each: a file may have any number of such chunks.
    while place + frame <= file.endIndex {
      let length = file[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      let end = min(place + frame + length, file.endIndex)
      let name = String(decoding: file[place + 4..<place + 8], as: UTF8.self)
      if ["gAMA", "cHRM", "iCCP", "sRGB"].contains(name) {
        kept += file[start..<place]
        start = end
      }
      place = end
    }
    return start == file.startIndex ? file : kept + file[start...]
  }
}

/// libpng's `png_image`: a pointer, seven numbers of 32 bits and a text of 64 bytes.
///
/// All of it is zeros to begin with, and is read and written by offsets.
private struct ControlBlock {
  private var words:
    (
      UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64,
      UInt64, UInt64
    ) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

  static let (version, width, height, format, flags, message) = (8, 12, 16, 20, 24, 36)
  static let currentVersion: UInt32 = 1
  /// PNG_FORMAT_FLAG_ALPHA and PNG_FORMAT_FLAG_LINEAR
  static let (alpha, linear): (UInt32, UInt32) = (1, 4)
  /// PNG_FORMAT_RGB
  static let color: UInt32 = 2
  /// PNG_FORMAT_RGBA
  static let colorAndAlpha: UInt32 = 3
  /// PNG_IMAGE_FLAG_16BIT_sRGB
  static let sixteenBitsAreSRGB: UInt32 = 4
}
