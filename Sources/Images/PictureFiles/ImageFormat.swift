import Files
import Tensor

/// The size and the channels that pictures are brought to.
package struct ImageFormat: Sendable {
  package let size: Size2D
  package let channels: Int
  package let options: PictureOptions

  package init(_ size: Size2D, channels: Int, options: PictureOptions = PictureOptions()) {
    precondition(
      [1, 3].contains(channels) && size.height > 0 && size.width > 0,
      "ImageFolder needs 1 or 3 channels and a size of at least 1x1; got \(channels) and \(size)")
    self.size = size
    self.channels = channels
    self.options = options
  }

  /// The shape of one image: [height, width, channels].
  package var shape: TensorShape { [size.height, size.width, channels] }

  /// The endings of the names of files that can be read.
  package static let fileExtensions: Set = ["jpg", "jpeg", "jpe", "jfif", "png", "webp"]

  /// out[height, width, channels] = the picture in a file, resized, cut out and rounded to bytes.
  ///
  /// - Returns: Whether a background shows through the picture.
  /// - Throws: ``FileError``; `out` may then be written in part.
  @discardableResult
  package func render(
    _ path: RawPath, into out: UnsafeMutableBufferPointer<UInt8>
  ) throws -> Bool {
    try render(path) { position, byte in out[position] = byte }
  }

  /// The same bytes as values 0...1.
  @discardableResult
  package func render(
    _ path: RawPath, into out: UnsafeMutableBufferPointer<Float>
  ) throws -> Bool {
    try render(path) { position, byte in out[position] = Float(byte) / 255 }
  }

  /// The middle of the picture, resized until it just covers the size.
  @inline(__always)
  private func render(_ path: RawPath, write: (_ position: Int, UInt8) -> Void) throws -> Bool {
    let picture = try Picture(path: path, needed: size, options: options)
    let (old, length) = (picture.size, size.width * channels)
    let isWide = old.width * size.height >= old.height * size.width
    let covering =
      isWide
      ? Size2D(height: size.height, width: size.height * old.width / old.height)
      : Size2D(height: size.width * old.height / old.width, width: size.width)
    let resampler = Resampler(
      from: old, to: covering, part: .center(size, of: covering), channels: 3)
    resampler.run(read: picture.read) { row, line in
      if channels == 1 { removeColors(line, count: size.width) }
      for index in 0..<length { write(row * length + index, byte(of: line[index])) }
    }
    return picture.isTransparent
  }
}

/// line[count] = the luma of the pixels in line[count, 3]
private func removeColors(_ line: UnsafeMutablePointer<Float>, count: Int) {
  for index in 0..<count {
    let pixel = line + 3 * index
    line[index] = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]
  }
}

/// A value 0...1 as a byte, rounded; 0 for what is no number.
@inline(__always)
func byte(of value: Float) -> UInt8 { value > 0 ? UInt8((min(value, 1) * 255).rounded()) : 0 }
