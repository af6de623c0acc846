import Nets
import Tensor

/// A learner whose loss is a function of the projections of two views.
///
/// It says what that function is. Running the network is here, at once or in chunks: the loss of a
/// batch of any size, with the memory of a small one.
///
/// Adding up the gradients of several small batches is something else: each image is then compared
/// with those of its own small batch alone, however many batches there are.
public protocol ProjectionLearner: Learner where Views == ViewPair {
  /// How the two views of a batch go through the network.
  var viewBatching: ViewBatching { get }

  /// The loss of two views of the same images, of which projections [count, size] are left.
  func loss(projections: ViewPair) -> Tensor

  /// Sees the features [count, width] that the next loss's projections were made of, without their
  /// record: for statistics. Nothing unless a learner has a use for it.
  func observe(features: ViewPair)
}

extension ProjectionLearner {
  /// It does: nothing else could, for there is no target.
  public var lossKeepsImagesApart: Bool { true }

  /// Nothing.
  public func observe(features: ViewPair) {}

  /// The loss of two given views of the same images: no randomness of its own.
  ///
  /// - Returns: A scalar.
  /// - Precondition: There are at least two images while batch norm is in training mode.
  public func loss(_ views: ViewPair) -> Tensor { loss(projections: project(views)) }

  /// Projections of both views, of shape [count, projection size], recorded for gradients.
  public func project(_ views: ViewPair) -> ViewPair {
    let (features, projections) = run(views)
    observe(features: features)
    return projections
  }

  /// The features, without their record, and the projections, with it.
  private func run(_ views: ViewPair) -> (features: ViewPair, projections: ViewPair) {
    checkCount(views)
    let atOnce = takesBatchesAtOnce
    let features = viewBatching(views, atOnce: atOnce, run: encoder.callAsFunction)
    let projections = viewBatching(features, atOnce: atOnce, run: projector.callAsFunction)
    return (features.detached, projections)
  }
}

// MARK: - Large batches

extension ProjectionLearner {
  /// Adds the gradients of the loss of two random views of each image to the parameters, with never
  /// more than `chunkSize` images in the network at once.
  ///
  /// - Parameters:
  ///   - images: A batch of shape [count, height, width, channels], values 0...1.
  ///   - chunkSize: How many images, of two views each, go through the network at once.
  /// - Returns: The loss.
  @discardableResult
  public func backward(_ images: Tensor, chunkSize: Int) -> Float {
    backward(views(of: images), chunkSize: chunkSize)
  }

  /// Adds the gradients of the loss of two given views to the parameters, with never more than
  /// `chunkSize` images in the network at once (Gao et al., 2021).
  ///
  /// The network runs twice: without recording, to know all projections and from them the loss and its
  /// gradient at each projection; then chunk by chunk, recorded, to carry that gradient on. Loss and
  /// gradients are those of the whole batch, but for batch norm in training mode, which normalises
  /// each chunk by its own statistics, as it would on several machines, and moves the running ones once
  /// per chunk. Group norm and frozen norms change nothing. Dropout draws the same in both runs; so
  /// does a random layer of your own that is a `RandomLayer`.
  ///
  /// Activations of one chunk are held, and the views, features and projections of the whole batch. The
  /// chunks are of one size, or differ by one image.
  ///
  /// - Parameters:
  ///   - views: Two views of the same images, each of shape [count, …].
  ///   - chunkSize: How many images, of two views each, go through the network at once.
  /// - Returns: The loss.
  /// - Precondition: Each chunk has at least two images while batch norm is in training mode.
  @discardableResult
  public func backward(_ views: ViewPair, chunkSize: Int) -> Float {
    precondition(chunkSize > 0, "a chunk needs at least one image; got \(chunkSize)")
    let ranges = chunked(views.count, chunkSize)
    guard ranges.count > 1 else {
      let loss = loss(views)
      loss.backward()
      return loss.item
    }
    let projections = rehearse(ranges.map { views[$0] })
    let (first, second) = (Parameter(projections.first), Parameter(projections.second))
    let loss = loss(projections: ViewPair(first: first.value, second: second.value))
    loss.backward()
    let gradients = ViewPair(
      first: first.gradient ?? .zeros(first.shape), second: second.gradient ?? .zeros(second.shape))
    for range in ranges {
      run(views[range]).projections.product(with: gradients[range]).backward()
    }
    return loss.item
  }

  /// The projections of all chunks, without a trace: no record, running statistics as before.
  private func rehearse(_ chunks: [ViewPair]) -> ViewPair {
    let runs = net.rehearsing {
      projector.rehearsing { withoutGradients { chunks.map { run($0) } } }
    }
    observe(features: ViewPair(concatenating: runs.map(\.features)))
    return ViewPair(concatenating: runs.map(\.projections))
  }
}

/// As few ranges as hold `count` entries, none with more than `size`, of even lengths.
private func chunked(_ count: Int, _ size: Int) -> [Range<Int>] {
  let chunks = (count + size - 1) / size
  return (0..<chunks).map { count * $0 / chunks..<count * ($0 + 1) / chunks }
}

extension ViewPair {
  fileprivate init(concatenating parts: [ViewPair]) {
    self.init(
      first: concatenated(parts.map(\.first)), second: concatenated(parts.map(\.second)))
  }

  fileprivate subscript(range: Range<Int>) -> ViewPair {
    ViewPair(first: first[range], second: second[range])
  }

  fileprivate var detached: ViewPair { ViewPair(first: first.detached, second: second.detached) }

  /// The sum of both views' elementwise products.
  fileprivate func product(with other: ViewPair) -> Tensor {
    (first * other.first).sum() + (second * other.second).sum()
  }
}
