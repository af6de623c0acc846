import Images
import Tensor

/// A random part of the image, resized to one size and perhaps flipped, that knows where it lies.
///
/// Drawing and cutting are two steps: ``region(in:using:)`` is all of the chance.
public struct TrackedCrop: Augmentation {
  /// How large the part is.
  public enum Extent: Sendable, Hashable {
    /// This share of both sides, with the image's proportions: pixel-level-contrastive-learning's
    /// `cutout_ratio_range`, there 0.6...0.8.
    case sides(ClosedRange<Float>)
    /// This share of the area, with proportions of 3 to 4 up to 4 to 3: PixPro's, there 0.08...1.
    case area(ClosedRange<Float>)
  }

  /// The size of the result.
  public let size: Size2D
  /// How large the part is.
  public let extent: Extent
  /// The share of views with left and right exchanged.
  public let flipProbability: Float
  /// How the part is resized.
  public let interpolation: Interpolation
  /// Whether shrinking averages fine detail.
  public let antialias: Bool

  /// A random part of the image, resized to `size`.
  ///
  /// - Precondition: The extent is above 0 and at most 1, the probability from 0 to 1.
  public init(
    _ size: any Size2DConvertible, extent: Extent = .sides(0.6...0.8),
    flipProbability: Float = 0.25,
    interpolation: Interpolation = .bilinear, antialias: Bool = true
  ) {
    let range =
      switch extent {
      case .sides(let range), .area(let range): range
      }
    precondition(
      range.lowerBound > 0 && range.upperBound <= 1 && (0...1).contains(flipProbability),
      "TrackedCrop needs an extent above 0 and at most 1 and a probability from 0 to 1; got \(range) "
        + "and \(flipProbability)")
    self.size = size.size2D
    self.extent = extent
    self.flipProbability = flipProbability
    self.interpolation = interpolation
    self.antialias = antialias
  }

  /// Draws the part of an image of the given size.
  public func region(in image: Size2D, using stream: inout RandomStream) -> ViewRegion {
    let region =
      switch extent {
      case .area(let scale): RandomResizedCrop(size, scale: scale).region(in: image, using: &stream)
      case .sides(let range): regionOfSides(range, in: image, using: &stream)
      }
    return ViewRegion(region, of: image, isFlipped: stream.bernoulli(flipProbability))
  }

  private func regionOfSides(
    _ range: ClosedRange<Float>, in image: Size2D, using stream: inout RandomStream
  ) -> Region {
    let share = stream.uniform(in: range)
    let size = Size2D(
      height: max(1, Int(share * Float(image.height))),
      width: max(1, Int(share * Float(image.width))))
    let top = stream.integer(in: 0..<image.height - size.height + 1)
    let left = stream.integer(in: 0..<image.width - size.width + 1)
    return Region(top: top, left: left, size: size)
  }

  /// The view of one part of `image`.
  public func view(of image: PixelImage, _ part: ViewRegion) -> PixelImage {
    let view = image.resized(
      from: part.region, to: size, interpolation, antialias: antialias)
    return part.isFlipped ? view.flippedHorizontally() : view
  }

  /// The view of a random part of `image`.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    let part = region(in: image.size, using: &stream)
    return view(of: image, part)
  }

  /// The size of the result.
  public func viewSize(of image: Size2D) -> Size2D? { size }

  /// A view of each image, drawn as ``views(of:by:firstIndex:using:)`` draws it, and where it lies.
  ///
  /// - Parameters:
  ///   - images: A batch of shape [count, height, width, channels].
  ///   - augmentation: What becomes of the crops.
  ///   - stream: Where the chance comes from.
  /// - Returns: The views, of shape [count, height, width, channels], and the region of each.
  public func views(
    of images: Tensor, then augmentation: any Augmentation, using stream: RandomStream
  ) -> (images: Tensor, regions: [ViewRegion]) {
    precondition(
      images.rank == 4,
      "TrackedCrop needs images [count, height, width, channels]; got shape \(images.shape)")
    let imageSize = Size2D(height: images.shape[1], width: images.shape[2])
    let draws = (0..<images.shape[0]).map { index in
      var stream = stream.split(BatchPart.firstIndex + index)
      return (region: region(in: imageSize, using: &stream), stream: stream)
    }
    let views = drawn(of: images, size: augmentation.viewSize(of: size)) { image, index in
      var stream = draws[index].stream
      return augmentation(view(of: image, draws[index].region), using: &stream)
    }
    return (views, draws.map(\.region))
  }
}
