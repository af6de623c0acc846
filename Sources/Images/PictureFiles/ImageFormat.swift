import Files
import Tensor

/// The size and the channels that pictures are brought to.
package struct ImageFormat: Sendable {
  package let size: Size2D
  package let channels: Int
  package let options: PictureOptions

  package init(_ size: Size2D, channels: Int, options: PictureOptions = PictureOptions()) {
    precondition(
      channels > 0 && size.height > 0 && size.width > 0,
      "ImageFolder needs 1 or more channels and a size of at least 1x1; got \(channels) and \(size)"
    )
    self.size = size
    self.channels = channels
    self.options = options
  }

  /// The shape of one image: [height, width, channels].
  package var shape: TensorShape { [size.height, size.width, channels] }

  /// The endings of the names of files that can be read.
  package static let fileExtensions: Set = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "tif", "tiff", "npy",
  ]

  /// out[height, width, channels] = the picture in a file, resized, cut out and rounded.
  ///
  /// - Returns: Whether a background shows through the picture.
  /// - Throws: ``FileError``; `out` may then be written in part.
  @discardableResult
  package func render<Sample: PixelSample>(
    _ path: RawPath, into out: UnsafeMutableBufferPointer<Sample>
  ) throws -> Bool {
    try Sample.render(path, to: self, into: out)
  }

  /// The same numbers as values 0...1.
  @discardableResult
  package func render(
    _ path: RawPath, into out: UnsafeMutableBufferPointer<Float>
  ) throws -> Bool {
    switch options.depth {
    case .eight: try render(path) { out[$0] = UInt8(rounding: $1).value }
    case .sixteen: try render(path) { out[$0] = UInt16(rounding: $1).value }
    }
  }

  /// The middle of the picture, resized until it just covers the size, or all of it.
  @inline(__always)
  func render(_ path: RawPath, write: (_ position: Int, Float) -> Void) throws -> Bool {
    let picture = try Picture(path: path, needed: size, options: options)
    let own = picture.layout.channels
    guard own == channels || (own == 3 && channels == 1) || (own == 1 && channels == 3) else {
      throw FileError("\(path)", "needs \(counted(channels, "channel")); it has \(own)", .damaged)
    }
    let whole = wholeSize(of: picture.size)
    let resampler = Resampler(
      from: picture.size, to: whole, part: .center(size, of: whole), channels: own)
    resampler.run(read: picture.read) { row, line in
      let start = row * size.width * channels
      if own < channels {
        for index in 0..<size.width * channels { write(start + index, line[index / channels]) }
        return
      }
      if own > channels { removeColors(line, count: size.width) }
      for index in 0..<size.width * channels { write(start + index, line[index]) }
    }
    return picture.isTransparent
  }

  /// The size that a whole picture is brought to, of which the image is the middle.
  private func wholeSize(of picture: Size2D) -> Size2D {
    guard options.fit == .crop else { return size }
    let isWide = picture.width * size.height >= picture.height * size.width
    return isWide
      ? Size2D(height: size.height, width: size.height * picture.width / picture.height)
      : Size2D(height: size.width * picture.height / picture.width, width: size.width)
  }
}

/// line[count] = the luma of the pixels in line[count, 3]
private func removeColors(_ line: UnsafeMutablePointer<Float>, count: Int) {
  for index in 0..<count {
    let pixel = line + 3 * index
    line[index] = luma(pixel[0], pixel[1], pixel[2])
  }
}

/// A number and what it counts.
package func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)" + (count == 1 ? "" : "s")
}
