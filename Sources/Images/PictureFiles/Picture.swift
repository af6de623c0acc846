import Files
import Foundation
import Tensor

/// A decoded picture, row after row.
struct Picture {
  /// The bytes of a pixel.
  enum Layout: Int {
    /// Red, green and blue.
    case colors = 3
    /// Red, green, blue and opacity.
    case colorsAndAlpha = 4
    /// Cyan, magenta, yellow and black, all inverted, as JPEG files hold them.
    case inks = 5

    var byteCount: Int { self == .colors ? 3 : 4 }
  }

  let size: Size2D
  let bytes: [UInt8]
  let layout: Layout
  /// What shows through transparent pixels.
  private var background = PictureOptions.Background.stored
  private let permit: DecodingMemory.Permit

  /// The picture in the file at `path`; its first bytes say which format it has, whatever its name.
  ///
  /// - Parameters:
  ///   - path: A JPEG, PNG or WebP file.
  ///   - needed: The size that is wanted in the end: a much larger JPEG is decoded at a part of its
  ///     size, which still has twice as many pixels each way.
  ///   - options: Whether it is turned, and what shows through it.
  /// - Throws: ``FileError``.
  init(path: RawPath, needed: Size2D? = nil, options: PictureOptions = PictureOptions()) throws {
    let file = try PictureFile(path)
    let orientation = options.appliesOrientation ? try file.orientation : .upright
    let needed =
      orientation.swapsSides ? needed.map { Size2D(height: $0.width, width: $0.height) } : needed
    let stored =
      switch try file.format {
      case .jpeg: try library(TurboJPEG.shared, for: file.path).picture(file, needed: needed)
      case .png: try library(LibPNG.shared, for: file.path).picture(file)
      case .webP: try library(LibWebP.shared, for: file.path).picture(file)
      }
    self = stored.turned(from: orientation)
    background = options.background
  }

  /// The picture upright, if its rows lie as `orientation` says.
  private func turned(from orientation: Orientation) -> Picture {
    guard orientation != .upright else { return self }
    let turned =
      orientation.swapsSides ? Size2D(height: size.width, width: size.height) : size
    let length = layout.byteCount
    let upright = [UInt8](unsafeUninitializedCapacity: bytes.count) { out, written in
      bytes.withUnsafeBufferPointer { bytes in
        for row in 0..<turned.height {
          for column in 0..<turned.width {
            let from = orientation.source(row: row, column: column, storedSize: size)
            let start = (from.row * size.width + from.column) * length
            for index in 0..<length { out[written + index] = bytes[start + index] }
            written += length
          }
        }
      }
    }
    return Picture(size: turned, bytes: upright, layout: layout, permit: permit)
  }

  /// The same room: a thread that asked for more while it holds some might wait for itself.
  private init(size: Size2D, bytes: [UInt8], layout: Layout, permit: DecodingMemory.Permit) {
    (self.size, self.bytes, self.layout, self.permit) = (size, bytes, layout, permit)
  }

  /// Whether a background shows through some pixels.
  var isTransparent: Bool {
    guard layout == .colorsAndAlpha, background != .stored else { return false }
    return bytes.withUnsafeBufferPointer { bytes in
      stride(from: 3, to: bytes.count, by: 4).contains { bytes[$0] < 255 }
    }
  }

  /// A picture whose bytes `decode` writes, all of them.
  ///
  /// - Parameters:
  ///   - size: The size.
  ///   - layout: The bytes of a pixel.
  ///   - decoderBytes: About how much memory the decoder takes besides.
  ///   - decode: Writes the bytes.
  init(
    size: Size2D, _ layout: Layout, decoderBytes: Int = 0,
    decoding decode: (UnsafeMutableBufferPointer<UInt8>) throws -> Void
  ) rethrows {
    let count = size.height * size.width * layout.byteCount
    permit = DecodingMemory.shared.permit(for: count + decoderBytes)
    bytes = try [UInt8](unsafeUninitializedCapacity: count) { out, written in
      try decode(UnsafeMutableBufferPointer(rebasing: out[..<count]))
      written = count
    }
    (self.size, self.layout) = (size, layout)
  }

  /// line[width, 3] = red, green and blue of a row, as values 0...1.
  func read(_ row: Int, into line: UnsafeMutablePointer<Float>) {
    let count = size.width
    bytes.withUnsafeBufferPointer { bytes in
      guard let pixels = bytes.baseAddress.map({ $0 + row * count * layout.byteCount }) else {
        return
      }
      switch layout {
      case .colors:
        for index in 0..<3 * count { line[index] = Float(pixels[index]) / 255 }
      case .colorsAndAlpha: read(pixels, onto: background, into: line)
      case .inks:
        for index in 0..<count {
          let black = Int(pixels[4 * index + 3])
          for ink in 0..<3 {
            let color = (Int(pixels[4 * index + ink]) * black + 127) / 255
            line[3 * index + ink] = Float(color) / 255
          }
        }
      }
    }
  }

  private func read(
    _ pixels: UnsafePointer<UInt8>, onto background: PictureOptions.Background,
    into line: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<size.width {
      for color in 0..<3 { line[3 * index + color] = Float(pixels[4 * index + color]) / 255 }
    }
    guard case .color(let red, let green, let blue) = background else { return }
    for index in 0..<size.width where pixels[4 * index + 3] < 255 {
      let opacity = Float(pixels[4 * index + 3]) / 255
      for (color, behind) in [red, green, blue].enumerated() {
        line[3 * index + color] = opacity * line[3 * index + color] + (1 - opacity) * behind
      }
    }
  }

  /// The picture as values 0...1.
  var image: PixelImage {
    PixelImage(size: size, channels: 3) { out in
      guard let out = out.baseAddress else { return }
      for row in 0..<size.height { read(row, into: out + row * size.width * 3) }
    }
  }
}

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

  enum Format {
    case jpeg, png, webP
  }

  /// The format, by the first bytes.
  var format: Format {
    get throws {
      if contents.starts(with: [0xff, 0xd8, 0xff]) { return .jpeg }
      if contents.starts(with: [0x89, 0x50, 0x4e, 0x47]) { return .png }
      if contents.starts(with: "RIFF".utf8), contents.dropFirst(8).starts(with: "WEBP".utf8) {
        return .webP
      }
      if contents.starts(with: "version https://git-lfs".utf8) {
        throw damage("needs a picture; this is a pointer of Git LFS: git lfs pull gets the picture")
      }
      let start = contents.prefix(4).map { hexadecimal($0) }.joined(separator: " ")
      throw damage(
        "needs a JPEG, PNG or WebP picture; "
          + (start.isEmpty ? "the file is empty" : "the file starts with \(start)"))
    }
  }

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
}
