import Tensor

/// Images side by side in columns, on white: views beside their images, or results beside the
/// truth.
///
/// ```swift
/// let views = learner.views(of: batch)
/// let columns = [batch, views.first, views.second].map { images in
///   (0..<8).map { PixelImage(images[$0]) }
/// }
/// try ImageGrid(columns: columns).image.write(to: "views.png")
/// ```
///
/// Views that were normalised go back by `Normalize.inverse` first.
public struct ImageGrid: Sendable {
  /// The whole picture, of three channels.
  public let image: PixelImage

  /// Puts images of one or three channels beside and below each other.
  ///
  /// - Parameters:
  ///   - columns: The images from left to right, and from top to bottom, at equal distances.
  ///   - magnification: How often each pixel is repeated to the right and down.
  ///   - gap: The white pixels around each image.
  /// - Precondition: There is an image, all have one or three channels, and the magnification is
  ///   above zero.
  public init(columns: [[PixelImage]], magnification: Int = 1, gap: Int = 4) {
    let images = columns.joined()
    precondition(
      !images.isEmpty && images.allSatisfy { [1, 3].contains($0.channels) } && magnification > 0
        && gap >= 0,
      "ImageGrid needs images of 1 or 3 channels and a magnification above zero; got "
        + "\(images.count) images, the first \(images.first.map { "\($0)" } ?? "none"), and "
        + "\(magnification)")
    func step(_ side: KeyPath<PixelImage, Int>) -> Int {
      (images.map { $0[keyPath: side] }.max() ?? 0) * magnification + gap
    }
    let (down, across) = (step(\.height), step(\.width))
    let rows = columns.map(\.count).max() ?? 0
    let size = Size2D(height: rows * down + gap, width: columns.count * across + gap)
    image = PixelImage(size: size, channels: 3) { out in
      out.update(repeating: 1)
      for (column, images) in columns.enumerated() {
        for (row, image) in images.enumerated() {
          let corner = (row * down + gap) * size.width + column * across + gap
          image.draw(to: out, at: corner, width: size.width, magnification: magnification)
        }
      }
    }
  }
}

extension PixelImage {
  /// Writes three channels from pixel `corner` of a picture on, whose rows have `width` pixels.
  fileprivate func draw(
    to out: UnsafeMutableBufferPointer<Float>, at corner: Int, width: Int, magnification: Int
  ) {
    pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<height * magnification {
        for x in 0..<self.width * magnification {
          let source = (y / magnification * self.width + x / magnification) * channels
          for channel in 0..<3 {
            out[(corner + y * width + x) * 3 + channel] =
              pixels[source + min(channel, channels - 1)]
          }
        }
      }
    }
  }
}
