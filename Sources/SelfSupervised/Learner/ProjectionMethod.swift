import Nets
import Tensor

/// A method whose loss is a function of the projections of two views.
///
/// It says what that function is. The learner runs the network, at once or in chunks: the loss of a
/// batch of any size, with the memory of a small one.
///
/// Adding up the gradients of several small batches is something else: each image is then compared
/// with those of its own small batch alone, however many batches there are.
public protocol ProjectionMethod: LearningMethod where Views == ViewPair {
  /// The loss of two views of the same images.
  ///
  /// - Parameters:
  ///   - projections: Projections [count, size] of both views; and of local ones, if the method is
  ///     a ``MultiCropMethod`` too.
  ///   - features: What they were made of, [count, width], without their record: for metrics.
  ///   - pass: What the loss computes with.
  /// - Returns: The loss, and what belongs to it.
  func loss(ofProjections projections: ViewPair, features: ViewPair, in pass: Pass<Parts>)
    -> StepLoss
}

extension ProjectionMethod {
  /// It does: nothing else could, for there is no target.
  public var preventsCollapse: Bool { true }

  /// The loss of two given views.
  public func loss(of views: ViewPair, in pass: Pass<Parts>) -> StepLoss {
    let (features, projections) = pass.run(views)
    return loss(ofProjections: projections, features: features, in: pass)
  }
}

extension Pass {
  /// The features, without their record, and the projections, with it.
  fileprivate func run(_ views: ViewPair) -> (features: ViewPair, projections: ViewPair) {
    let features = features(views)
    return (features.detached, apply(parts.projector, features))
  }
}

// MARK: - Large batches

extension MethodLearner where M: ProjectionMethod {
  /// Adds the gradients of the loss of two random views of each image to the parameters, with never
  /// more than `chunkSize` images in the network at once.
  ///
  /// - Parameters:
  ///   - images: A batch of shape [count, height, width, channels], values 0...1.
  ///   - chunkSize: How many images, of two views each, go through the network at once.
  /// - Returns: The loss, which is differentiated already.
  @discardableResult
  public func backward(_ images: Tensor, chunkSize: Int) -> StepLoss {
    let drawn = views(of: images, using: stream.split())
    return backward(drawn, chunkSize: chunkSize)
  }

  /// Adds the gradients of the loss of two given views to the parameters, with never more than
  /// `chunkSize` images in the network at once (gradient cache; Gao et al., 2021).
  ///
  /// The network runs twice: without recording, to know all projections and from them the loss and
  /// its gradient at each projection; then chunk by chunk, recorded, to carry that gradient on.
  /// Loss and gradients are those of the whole batch, but for batch norm in training mode, which
  /// normalises each chunk by its own statistics, as it would on several machines, and moves the
  /// running ones once per chunk. Group norm and frozen norms change nothing. Dropout draws the
  /// same in both runs; so does a random layer of your own that is a `StochasticModule`.
  ///
  /// Activations of one chunk are held, and the views, features and projections of the whole batch.
  /// The chunks are of one size, or differ by one image.
  ///
  /// - Parameters:
  ///   - views: Two views of the same images, each of shape [count, …].
  ///   - chunkSize: How many images, of two views each, go through the network at once.
  /// - Returns: The loss, which is differentiated already.
  /// - Precondition: Each chunk has at least two images while batch norm is in training mode.
  @discardableResult
  public func backward(_ views: ViewPair, chunkSize: Int) -> StepLoss {
    precondition(chunkSize > 0, "a chunk needs at least one image; got \(chunkSize)")
    precondition(
      ProcessGroup.current.isSingle,
      "\(M.self) in chunks needs one process; got \(ProcessGroup.current.size)")
    checkTakes(locals: views.locals.count)
    let ranges = chunked(views.count, chunkSize)
    guard ranges.count > 1 else {
      let loss = stepLoss(of: views)
      loss.backward()
      return loss
    }
    begin(ranges.map(\.count).min() ?? 0)
    let pass = pass()
    let (features, projections) = firstRun(of: ranges.map { views[$0] }, in: pass)
    let parameters = projections.all.map { Parameter($0) }
    let leaves = ViewPair(all: parameters.map(\.value))
    let loss = staging(
      withExactProducts {
        method.loss(ofProjections: leaves, features: features, in: pass)
      })
    loss.backward()
    let gradients = ViewPair(all: parameters.map { $0.gradient ?? .zeros($0.shape) })
    for range in ranges {
      pass.run(views[range]).projections.product(with: gradients[range]).backward()
    }
    return loss
  }

  /// The features and projections of all chunks: no record, running statistics as before.
  private func firstRun(
    of chunks: [ViewPair], in pass: Pass<M.Parts>
  ) -> (features: ViewPair, projections: ViewPair) {
    let runs = net.restoringState {
      projector.restoringState { withoutGradients { chunks.map { pass.run($0) } } }
    }
    return (
      ViewPair(concatenating: runs.map(\.features)),
      ViewPair(concatenating: runs.map(\.projections))
    )
  }
}

/// A learner that takes batches larger than what goes through the network at once.
public protocol ChunkedLearner: Learner {
  /// Adds the gradients of the loss of given views, with never more than `chunkSize` images in the
  /// network at once.
  ///
  /// - Returns: The loss, which is differentiated already.
  @discardableResult
  func backward(_ views: Views, chunkSize: Int) -> StepLoss
}

extension MethodLearner: ChunkedLearner where M: ProjectionMethod {}

/// As few ranges as hold `count` entries, none with more than `size`, of even lengths.
private func chunked(_ count: Int, _ size: Int) -> [Range<Int>] {
  let chunks = (count + size - 1) / size
  return (0..<chunks).map { count * $0 / chunks..<count * ($0 + 1) / chunks }
}

extension ViewPair {
  fileprivate init(concatenating parts: [ViewPair]) {
    self.init(
      all: parts[0].all.indices.map { view in concatenated(parts.map { $0.all[view] }) })
  }

  fileprivate subscript(range: Range<Int>) -> ViewPair {
    ViewPair(all: all.map { $0[range] })
  }

  fileprivate var detached: ViewPair { ViewPair(all: all.map(\.detached)) }

  /// The sum of all views' elementwise products.
  fileprivate func product(with other: ViewPair) -> Tensor {
    let products = zip(all, other.all).map { ($0 * $1).sum() }
    return products.dropFirst().reduce(products[0], +)
  }
}
