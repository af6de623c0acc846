import Images
import Tensor

/// Augmentations one after the other.
public struct Compose: Augmentation {
  /// The augmentations in the order in which they are applied.
  public let steps: [any Augmentation]

  /// The augmentations `steps`, applied from the first to the last.
  public init(_ steps: [any Augmentation]) { self.steps = steps }

  /// The view of `image` after all steps.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    for step in steps { image = step(image, using: &stream) }
    return image
  }

  /// What the steps make of that size, if all of them say so.
  public func viewSize(of image: Size2D) -> Size2D? {
    steps.reduce(image) { size, step in size.flatMap(step.viewSize) }
  }
}

extension Compose: ExpressibleByArrayLiteral {
  /// The augmentations of a literal such as `[HorizontalFlip(), Grayscale()]`.
  public init(arrayLiteral elements: any Augmentation...) { self.init(elements) }
}

/// An augmentation that is applied to some of the images.
public struct RandomApply: Augmentation {
  /// What is applied.
  public let base: any Augmentation
  /// The share of images it is applied to, from 0 to 1.
  public let probability: Float

  /// `base`, applied with the given probability and else left out.
  ///
  /// - Precondition: The probability is from 0 to 1.
  public init(_ base: any Augmentation, probability: Float) {
    precondition(
      (0...1).contains(probability),
      "RandomApply needs a probability from 0 to 1; got \(probability)")
    self.base = base
    self.probability = probability
  }

  /// The view of `image` that `base` makes, or `image` itself.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    stream.bernoulli(probability) ? base(image, using: &stream) : image
  }

  /// The size of the image, if `base` keeps it.
  public func viewSize(of image: Size2D) -> Size2D? {
    base.viewSize(of: image).flatMap { $0 == image ? image : nil }
  }
}

extension Augmentation {
  /// This augmentation, applied with the given probability and else left out.
  public func applied(probability: Float) -> RandomApply {
    RandomApply(self, probability: probability)
  }

  /// This augmentation and after it another.
  public func followed(by next: any Augmentation) -> Compose { Compose([self, next]) }
}
