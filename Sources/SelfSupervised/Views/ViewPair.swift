import Nets
import Tensor

/// Views of the same images, two or more, and what is known of them.
public protocol ViewSet: Sendable {
  /// Views of which nothing else is known.
  init(_ pair: ViewPair)

  /// The first two views of each image.
  var pair: ViewPair { get }
}

/// Two views of the same images, or what a network makes of them.
public struct ViewPair: ViewSet {
  /// A batch of shape [count, …]; images are [count, height, width, channels].
  public let first: Tensor
  /// The same of the other views, in the same order.
  public let second: Tensor

  /// Two views of the same images.
  ///
  /// - Precondition: Both have one shape [count, …].
  public init(first: Tensor, second: Tensor) {
    precondition(
      first.shape == second.shape && first.rank >= 2,
      "a learner needs two views of one shape [count, …]; got \(first.shape) and \(second.shape)")
    self.first = first
    self.second = second
  }

  /// Two random views of each image, the first by one augmentation and the second by another.
  public init(
    of images: Tensor, by augmentations: (first: any Augmentation, second: any Augmentation),
    using stream: RandomStream
  ) {
    self.init(
      first: views(of: images, by: augmentations.first, using: stream.split(0)),
      second: views(of: images, by: augmentations.second, using: stream.split(1)))
  }

  /// The pair itself.
  public init(_ pair: ViewPair) { self = pair }

  /// The pair itself.
  public var pair: ViewPair { self }

  /// How many images there are.
  public var count: Int { first.shape[0] }

  /// First views, then second ones: shape [2 · count, …].
  public var joined: Tensor { concatenated([first, second]) }
}

/// How the two views of a batch go through a network with batch norm.
public enum ViewBatching: Sendable {
  /// Each with its own batch statistics: DeepMind's, and the default. One after the other, or in
  /// one pass that keeps them apart.
  case separate
  /// As one batch of twice the size: byol-pytorch's since 0.7.2.
  case joint

  /// Runs both views through a network.
  ///
  /// - Parameters:
  ///   - views: The two views.
  ///   - atOnce: Whether separate views may go through it in one pass, in which batch norm keeps
  ///     them apart: if `run` uses nothing but `SampleIndependent`s.
  ///   - run: Makes as many rows as it is given.
  /// - Returns: What `run` makes of each.
  func callAsFunction(
    _ views: ViewPair, atOnce: Bool = false, run: (Tensor) -> Tensor
  ) -> ViewPair {
    func joined() -> ViewPair {
      let (both, count) = (run(views.joined), views.count)
      return ViewPair(first: both[0..<count], second: both[count..<2 * count])
    }
    switch self {
    case .joint: return joined()
    case .separate where atOnce: return withGhostBatchNorm(parts: 2, joined)
    case .separate: return ViewPair(first: run(views.first), second: run(views.second))
    }
  }
}
