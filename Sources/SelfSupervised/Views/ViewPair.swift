import Nets
import Tensor

/// Views of the same images, two or more, and what is known of them.
public protocol ViewSet: Sendable {
  /// Views of which nothing else is known.
  init(_ pair: ViewPair)

  /// The first two views of each image.
  var pair: ViewPair { get }

  /// How many images there are.
  var count: Int { get }

  /// The same views, and local ones of the same images beside them.
  func adding(_ localViews: [Tensor]) -> Self
}

extension ViewSet {
  /// As many as the pair has.
  public var count: Int { pair.count }

  /// The same views: there is no place for local ones.
  public func adding(_ localViews: [Tensor]) -> Self { self }
}

/// Two views of the same images, or what a network makes of them; and perhaps local views beside
/// them.
public struct ViewPair: ViewSet {
  /// A batch of shape [count, …]; images are [count, height, width, channels].
  public let first: Tensor
  /// The same of the other views, in the same order.
  public let second: Tensor
  /// Further views of the same images, in the same order and of one shape [count, …] of their own:
  /// those of ``LocalViews``. Often none.
  public let locals: [Tensor]

  /// Two views of the same images, and local ones if there are any.
  ///
  /// - Precondition: Both have one shape [count, …]; local views have one shape and the same count.
  public init(first: Tensor, second: Tensor, locals: [Tensor] = []) {
    precondition(
      first.shape == second.shape && first.rank >= 2,
      "a learner needs two views of one shape [count, …]; got \(first.shape) and \(second.shape)")
    precondition(
      locals.allSatisfy { $0.shape == locals[0].shape && $0.shape[0] == first.shape[0] },
      "a learner needs local views of one shape and of as many images as the large ones; got "
        + "\(locals.map(\.shape)) beside \(first.shape)")
    self.first = first
    self.second = second
    self.locals = locals
  }

  /// The first two as the pair, and all others as local views.
  init(all views: [Tensor]) {
    self.init(first: views[0], second: views[1], locals: Array(views.dropFirst(2)))
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

  /// The same pair with these local views.
  public func adding(_ localViews: [Tensor]) -> ViewPair {
    ViewPair(first: first, second: second, locals: locals + localViews)
  }

  /// What `body` makes of the rows of all views at once, row by row; of one width.
  func mapRows(_ body: (Tensor) -> Tensor) -> ViewPair {
    let (rows, count) = (body(concatenated(all)), count)
    return ViewPair(all: all.indices.map { rows[$0 * count..<($0 + 1) * count] })
  }

  /// The pair without local views.
  public var globals: ViewPair { ViewPair(first: first, second: second) }

  /// The pair, and local views behind it.
  public var all: [Tensor] { [first, second] + locals }

  /// How many images there are.
  public var count: Int { first.shape[0] }

  /// First views, then second ones: shape [2 · count, …].
  public var joined: Tensor { concatenated([first, second]) }
}

/// How the views of a batch go through a network with batch norm.
public enum ViewBatching: Sendable {
  /// Each with its own batch statistics: DeepMind's, and the default. One after the other, or in
  /// one pass that keeps them apart.
  case separate
  /// As one batch of twice the size: byol-pytorch's since 0.7.2. All local views are another one.
  case joint

  /// Runs all views through a network: the two, and local ones behind them.
  ///
  /// - Parameters:
  ///   - views: The views.
  ///   - atOnce: Whether separate views may go through it in one pass, in which batch norm keeps
  ///     them apart: if `run` uses nothing but `SampleIndependent`s.
  ///   - run: Makes as many rows as it is given.
  /// - Returns: What `run` makes of each.
  func callAsFunction(
    _ views: ViewPair, atOnce: Bool = false, run: (Tensor) -> Tensor
  ) -> ViewPair {
    let pair = self([views.first, views.second], atOnce, run)
    return ViewPair(all: pair + self(views.locals, atOnce, run))
  }

  /// The same for any number of views of one size.
  private func callAsFunction(
    _ views: [Tensor], _ atOnce: Bool, _ run: (Tensor) -> Tensor
  ) -> [Tensor] {
    func joined() -> [Tensor] {
      let (all, count) = (run(concatenated(views)), views[0].shape[0])
      return views.indices.map { all[$0 * count..<($0 + 1) * count] }
    }
    guard views.count > 1 else { return views.map(run) }
    switch self {
    case .joint: return joined()
    case .separate where atOnce: return withGhostBatchNorm(parts: views.count, joined)
    case .separate: return views.map(run)
    }
  }
}
