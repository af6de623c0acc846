import Nets
import Tensor

/// Small views of small parts of an image, beside the two large ones: multi-crop (Caron et al.,
/// 2020).
///
/// A small view takes a fraction of a large one's time, and learns to say what the whole image shows.
/// Methods that take local views are ``MultiCropMethod``s.
///
/// ```swift
/// let learner = BYOL(
///   net, imageSize: 32, hiddenLayer: "avgpool", localViews: LocalViews(count: 4, size: 20))
/// ```
public struct LocalViews: Sendable {
  /// How many there are of each image.
  public let count: Int
  /// Their height and width.
  public let size: Size2D
  /// The share of the image's area that each shows.
  public let scale: ClosedRange<Float>
  private let augmentation: (any Augmentation)?

  /// So many small views of each image.
  ///
  /// - Parameters:
  ///   - count: How many there are of each image.
  ///   - size: Their height and width.
  ///   - scale: The share of the image's area that each shows; LeJEPA's 0.05...0.3, beside large
  ///     views of 0.3...1. DINO has 0.05...0.4 and SwAV 0.05...0.14.
  ///   - augmentation: How they are drawn. If it is nil, as first views are, with a
  ///     ``RandomResizedCrop`` of this size and scale in place of theirs.
  /// - Precondition: The count is above zero, the scale above 0 and at most 1.
  public init(
    count: Int, size: any Size2DConvertible, scale: ClosedRange<Float> = 0.05...0.3,
    augmentation: (any Augmentation)? = nil
  ) {
    precondition(
      count > 0 && scale.lowerBound > 0 && scale.upperBound <= 1,
      "LocalViews needs a count above zero and a scale above 0 and at most 1; got \(count) and "
        + "\(scale)")
    (self.count, self.size, self.scale) = (count, size.size2D, scale)
    self.augmentation = augmentation
  }

  /// How they are drawn beside large views.
  ///
  /// - Precondition: There is an augmentation, or `large` crops.
  func augmentation(beside large: any Augmentation) -> any Augmentation {
    if let augmentation { return augmentation }
    guard let small = replacingCrop(of: large) else {
      preconditionFailure(
        "LocalViews needs large views that are drawn by a Compose with a RandomResizedCrop, in whose "
          + "place a smaller one comes, or an augmentation of its own; got \(type(of: large))")
    }
    return small
  }

  /// The augmentation with a crop of this size and scale; nil if it does not crop.
  private func replacingCrop(of augmentation: any Augmentation) -> (any Augmentation)? {
    switch augmentation {
    case let crop as RandomResizedCrop:
      return RandomResizedCrop(
        size, scale: scale, ratio: crop.ratio, interpolation: crop.interpolation,
        antialias: crop.antialias, overflow: crop.overflow)
    case let whole as Compose:
      let replaced = whole.steps.map { replacingCrop(of: $0) }
      guard replaced.contains(where: { $0 != nil }) else { return nil }
      return Compose(zip(whole.steps, replaced).map { $1 ?? $0 })
    default: return nil
    }
  }
}

/// A method whose loss takes local views beside the two large ones: those of ``ViewPair/locals``.
public protocol MultiCropMethod: LearningMethod where Views == ViewPair {}

extension ViewPair {
  /// The mean of a loss over all pairs of a large view and another one: with m local views 1 + 2m of
  /// them, as in DINO's code, where each large view is told from all others (Caron et al., 2021,
  /// equation 3).
  public func meanOverPairs(_ loss: (Tensor, Tensor) -> Tensor) -> Tensor {
    locals.flatMap { [loss(first, $0), loss(second, $0)] }.reduce(loss(first, second), +)
      / Float(1 + 2 * locals.count)
  }
}
