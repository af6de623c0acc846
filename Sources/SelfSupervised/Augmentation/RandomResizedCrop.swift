import Foundation
import Images
import Tensor

/// A random part of the image, resized to one size.
///
/// The part's area is drawn evenly from `scale` times the image's area and its width over height
/// from `ratio`, evenly in the logarithm (Szegedy et al., 2015).
public struct RandomResizedCrop: Augmentation {
  /// What happens when the drawn rectangle does not fit into the image.
  public enum Overflow: Sendable, Hashable {
    /// Up to ten draws, and then the largest central part whose ratio is allowed: torchvision.
    case redraw
    /// The side that is too long is cut to the image's: the Keras example of NNCLR.
    case clip
  }

  /// The size of the result.
  public let size: Size2D
  /// The range of the part's area, as a share of the image's.
  public let scale: ClosedRange<Float>
  /// The range of the part's width over its height.
  public let ratio: ClosedRange<Float>
  /// How the part is resized.
  public let interpolation: Interpolation
  /// Whether shrinking averages fine detail.
  public let antialias: Bool
  /// What happens when the drawn rectangle does not fit.
  public let overflow: Overflow

  /// A random part of the image, resized to `size`; the defaults are torchvision's.
  ///
  /// - Precondition: The ranges are above zero.
  public init(
    _ size: any Size2DConvertible, scale: ClosedRange<Float> = 0.08...1,
    ratio: ClosedRange<Float> = 3 / 4...4 / 3,
    interpolation: Interpolation = .bilinear, antialias: Bool = true, overflow: Overflow = .redraw
  ) {
    precondition(
      scale.lowerBound > 0 && ratio.lowerBound > 0,
      "RandomResizedCrop needs ranges above zero; got scale \(scale) and ratio \(ratio)")
    self.size = size.size2D
    self.scale = scale
    self.ratio = ratio
    self.interpolation = interpolation
    self.antialias = antialias
    self.overflow = overflow
  }

  /// Draws the part of an image of the given size.
  public func region(in image: Size2D, using stream: inout RandomStream) -> Region {
    switch overflow {
    case .clip:
      let drawn = drawnSize(in: image, using: &stream)
      return placed(
        Size2D(
          height: min(max(drawn.height, 1), image.height),
          width: min(max(drawn.width, 1), image.width)), in: image, using: &stream)
    case .redraw:
      for _ in 0..<10 {
        let drawn = drawnSize(in: image, using: &stream)
        if Region.whole(drawn).fits(in: image) { return placed(drawn, in: image, using: &stream) }
      }
      return largestCentralRegion(in: image)
    }
  }

  /// The view of a random part of `image`.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    let region = region(in: image.size, using: &stream)
    return image.resized(from: region, to: size, interpolation, antialias: antialias)
  }

  /// The size of the result.
  public func viewSize(of image: Size2D) -> Size2D? { size }

  private func drawnSize(in image: Size2D, using stream: inout RandomStream) -> Size2D {
    let area = Float(image.height * image.width) * stream.uniform(in: scale)
    let aspect = expf(stream.uniform(in: logf(ratio.lowerBound)...logf(ratio.upperBound)))
    return Size2D(
      height: Int((area / aspect).squareRoot().rounded(.toNearestOrEven)),
      width: Int((area * aspect).squareRoot().rounded(.toNearestOrEven)))
  }

  private func placed(
    _ size: Size2D, in image: Size2D, using stream: inout RandomStream
  ) -> Region {
    let top = stream.integer(in: 0..<image.height - size.height + 1)
    let left = stream.integer(in: 0..<image.width - size.width + 1)
    return Region(top: top, left: left, size: size)
  }

  /// All of the image, or the middle of a side that is too long for the allowed ratios.
  func largestCentralRegion(in image: Size2D) -> Region {
    let (height, width) = (Float(image.height), Float(image.width))
    let longestHeight = Int((width / ratio.lowerBound).rounded(.toNearestOrEven))
    let longestWidth = Int((height * ratio.upperBound).rounded(.toNearestOrEven))
    let size = Size2D(
      height: max(1, min(image.height, longestHeight)),
      width: max(1, min(image.width, longestWidth)))
    return Region(
      top: (image.height - size.height) / 2, left: (image.width - size.width) / 2, size: size)
  }
}
