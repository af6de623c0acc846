import Tensor

/// A random part of the image, resized to one size and perhaps flipped, of which it is known where in
/// the image it lies.
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
  /// How the part is resized; shrinking by `bilinear` averages rather than aliases.
  public let interpolation: Interpolation

  /// A random part of the image, resized to `size`.
  ///
  /// - Precondition: The extent is above 0 and at most 1, the probability from 0 to 1.
  public init(
    _ size: Size2D, extent: Extent = .sides(0.6...0.8), flipProbability: Float = 0.25,
    interpolation: Interpolation = .bilinear
  ) {
    let range =
      switch extent {
      case .sides(let range), .area(let range): range
      }
    precondition(
      range.lowerBound > 0 && range.upperBound <= 1 && (0...1).contains(flipProbability),
      "TrackedCrop needs an extent above 0 and at most 1 and a probability from 0 to 1; got \(range) "
        + "and \(flipProbability)")
    self.size = size
    self.extent = extent
    self.flipProbability = flipProbability
    self.interpolation = interpolation
  }

  /// Draws the part of an image of the given size.
  public func region(in image: Size2D, using stream: inout RandomStream) -> ViewRegion {
    let region =
      switch extent {
      case .area(let scale): RandomResizedCrop(size, scale: scale).region(in: image, using: &stream)
      case .sides(let range): regionOfSides(range, in: image, using: &stream)
      }
    return ViewRegion(region, of: image, isFlipped: stream.chance(flipProbability))
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
  public func view(of image: Image, _ part: ViewRegion) -> Image {
    let view =
      switch interpolation {
      case .bilinear: image.resized(from: part.region, to: size)
      case .nearest: image.nearestPixels(of: part.region, size: size)
      }
    return part.isFlipped ? view.flippedHorizontally() : view
  }

  /// The view of a random part of `image`.
  public func callAsFunction(
    _ image: consuming Image, using stream: inout RandomStream
  ) -> Image {
    let part = region(in: image.size, using: &stream)
    return view(of: image, part)
  }
}

extension Image {
  /// This image's `region`, resized to `size` by the nearest lower pixel: torch's `nearest`.
  func nearestPixels(of region: Region, size: Size2D) -> Image {
    let (stride, channels) = (width * channels, channels)
    // In single precision, as torch computes them.
    func sources(_ length: Int, _ count: Int) -> [Int] {
      let scale = Float(length) / Float(count)
      return (0..<count).map { min(Int(Float($0) * scale), length - 1) }
    }
    let rows = sources(region.size.height, size.height)
    let columns = sources(region.size.width, size.width)
    return pixels.withUnsafeBufferPointer { source in
      Image(size: size, channels: channels) { out in
        guard let source = source.baseAddress, var out = out.baseAddress else { return }
        for row in rows {
          let line = source + (region.top + row) * stride + region.left * channels
          for column in columns {
            out.update(from: line + column * channels, count: channels)
            out += channels
          }
        }
      }
    }
  }
}
