import Images
import Tensor

/// A random rectangle of the image painted over (DeVries and Taylor, 2017).
///
/// The rectangle's centre is drawn evenly from all pixels, so at the border a part of it is lost.
public struct Cutout: SizePreserving {
  /// The range of the rectangle's sides, as a share of the image's.
  public let side: ClosedRange<Float>
  /// The value that replaces the image's.
  public let value: Float

  /// Paints a rectangle over whose height and width are the same drawn share of the image's.
  ///
  /// - Precondition: The share is from 0 to 1.
  public init(side: ClosedRange<Float> = 0.5...0.5, value: Float = 0) {
    precondition(
      side.lowerBound >= 0 && side.upperBound <= 1,
      "Cutout needs sides from 0 to 1 of the image's; got \(side)")
    self.side = side
    self.value = value
  }

  /// Draws the rectangle for an image of the given size.
  public func region(in image: Size2D, using stream: inout RandomStream) -> Region {
    let share = stream.uniform(in: side)
    func span(_ length: Int) -> Range<Int> {
      let extent = Int((Float(length) * share).rounded())
      let start = stream.integer(in: 0..<length) - extent / 2
      return max(0, start)..<min(length, max(0, start + extent))
    }
    let (rows, columns) = (span(image.height), span(image.width))
    return Region(
      top: rows.lowerBound, left: columns.lowerBound,
      size: Size2D(height: rows.count, width: columns.count))
  }

  /// `image` with a rectangle painted over.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    let region = region(in: image.size, using: &stream)
    return image.filled(region, with: value)
  }
}

extension PixelImage {
  /// This image with `value` in all channels of `region`, which may be empty.
  ///
  /// - Precondition: The region lies inside the image.
  public consuming func filled(_ region: Region, with value: Float) -> PixelImage {
    if region.size.height == 0 || region.size.width == 0 { return self }
    precondition(region.fits(in: size), "filled needs a region inside \(size); got \(region)")
    let (width, channels) = (width, channels)
    mutate { pixels in
      for row in region.top..<region.top + region.size.height {
        let start = (row * width + region.left) * channels
        pixels[start..<start + region.size.width * channels].update(repeating: value)
      }
    }
    return self
  }
}
