import Files
import Foundation
import Tensor

/// A decoded picture, row after row.
struct Picture {
  /// The bytes of a pixel.
  struct Layout: Sendable, Hashable {
    /// The values of a pixel that are no opacity.
    var channels: Int
    /// What the value behind these says, if there is one.
    var opacity = Opacity.none
    /// What a value is.
    var sample = SampleType.uint8
    /// Whether there are cyan, magenta, yellow and black in the place of three colors.
    var hasInks = false

    enum Opacity: Sendable, Hashable {
      case none
      /// How opaque the pixel is.
      case separate
      /// The same, and the channels are multiplied by it.
      case premultiplied
    }

    /// Red, green and blue.
    static let colors = Layout(channels: 3)
    /// Red, green, blue and opacity.
    static let colorsAndAlpha = Layout(channels: 3, opacity: .separate)
    /// Cyan, magenta, yellow and black, all inverted, as JPEG files hold them.
    static let inks = Layout(channels: 3, hasInks: true)

    var sampleCount: Int { hasInks ? 4 : channels + (opacity == .none ? 0 : 1) }
    var byteCount: Int { sampleCount * sample.byteCount }
  }

  let size: Size2D
  let bytes: [UInt8]
  let layout: Layout
  /// How the samples become values.
  private(set) var options = PictureOptions.asStored
  private let permit: DecodingMemory.Permit

  /// The picture in the file at `path`; its first bytes say which format it has, whatever its name.
  ///
  /// - Parameters:
  ///   - path: A JPEG, PNG, WebP, TIFF or NumPy file.
  ///   - needed: The size that is wanted in the end: a much larger JPEG is decoded at a part of its
  ///     size, which still has twice as many pixels each way.
  ///   - options: Whether it is turned, what shows through it, and what its values mean.
  /// - Throws: ``FileError``.
  init(path: RawPath, needed: Size2D? = nil, options: PictureOptions = PictureOptions()) throws {
    let file = try PictureFile(path)
    let orientation = options.appliesOrientation ? try file.orientation : .upright
    let needed =
      orientation.swapsSides ? needed.map { Size2D(height: $0.width, width: $0.height) } : needed
    let stored =
      switch try file.format {
      case .jpeg: try library(TurboJPEG.shared, for: file.path).picture(file, needed: needed)
      case .png: try library(LibPNG.shared, for: file.path).picture(file, depth: options.depth)
      case .webP: try library(LibWebP.shared, for: file.path).picture(file)
      case .tiff: try library(LibTIFF.shared, for: file.path).picture(file)
      case .numPy: try NumPyArray(file.contents, of: file).picture(file)
      }
    try stored.checkValues(file, range: options.valueRange)
    self = stored.turned(from: orientation)
    self.options = options
    // Bytes of photographs are no measurements.
    let isPhotograph = [.jpeg, .png, .webP].contains(try file.format) && layout.sample == .uint8
    if isPhotograph { self.options.valueRange = nil }
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

  /// Red, green and blue alone, of a picture with bytes of these and opacity.
  var withoutOpacity: Picture {
    let colors = [UInt8](unsafeUninitializedCapacity: bytes.count / 4 * 3) { out, written in
      for start in stride(from: 0, to: bytes.count, by: 4) {
        for index in 0..<3 { out[written + index] = bytes[start + index] }
        written += 3
      }
    }
    return Picture(size: size, bytes: colors, layout: .colors, permit: permit)
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
}
