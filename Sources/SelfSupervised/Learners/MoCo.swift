import Nets
import Tensor

/// Momentum contrast, second version (He et al., 2020; Chen, Fan, Girshick and He, 2020).
///
/// The network's projection of one view, the query, shall be told apart from the keys of other
/// images by its likeness to its own key, which a slowly moving target makes of the other view. The
/// other keys come from a queue, so that they are many at any size of batch.
///
/// The loss begins at 0, for the queue is empty; it rises with the logarithm of 1 + the rows of the
/// queue while that fills, and healthy training then takes it below that: 11.1 for 65,536 rows. Twice
/// as much if `isSymmetric`. A loss that stays at log(1 + rows), with
/// ``LearnerStatistics/spread`` near zero, is a collapse.
///
/// The paper shuffles keys between machines, so that batch norm cannot tell which keys came with a
/// query. On one machine the order of a batch changes nothing in its statistics and there is nothing
/// to shuffle between; a network with group norm is free of the question.
public final class MoCo: Learner {
  /// The user's network up to the tapped layer.
  public let encoder: Encoder
  /// From features to projections: linear, ReLU, linear.
  public let projector: any Module
  /// The slowly moving numbers, which make the keys.
  public let target: TargetEncoder
  /// The keys of earlier batches, of unit length.
  public let queue: FeatureQueue
  /// What similarities are divided by.
  public let temperature: Float
  /// Whether each view is a query once and a key once.
  public let isSymmetric: Bool
  /// Where the random views come from.
  public var stream: RandomStream
  /// What the last loss was like.
  public private(set) var statistics = LearnerStatistics()

  private let augmentation: any Augmentation

  /// A learner around any network; the network itself is not changed.
  ///
  /// - Parameters:
  ///   - net: The network to improve.
  ///   - imageSize: The size of the views.
  ///   - hiddenLayer: The layer whose output is the representation: a name, the number of a child,
  ///     or the layer itself.
  ///   - channels: The channels of the images; those of the first convolution when it is nil.
  ///   - projectionSize: The features of a projection.
  ///   - projectionHiddenSize: The hidden features of the projector; as many as the representation
  ///     has when it is nil.
  ///   - queueSize: How many keys the queue holds: fewer than there are images, or earlier keys of
  ///     the query's own image are among the negatives.
  ///   - temperature: What similarities are divided by.
  ///   - movingAverageDecay: The share of its old numbers that the target keeps in a step.
  ///   - targetNorm: Whose statistics the target's batch norms use.
  ///   - isSymmetric: Whether each view is a query once and a key once.
  ///   - augmentation: How views are drawn; the paper's way, but not normalised, when it is nil.
  ///   - seed: Where random views and the head's weights come from; unpredictable when it is nil.
  /// - Precondition: The network has parameters, has the layer and calls it.
  public convenience init(
    _ net: any Module, imageSize: Size2D, hiddenLayer: HiddenLayer = -2, channels: Int? = nil,
    projectionSize: Int = 128, projectionHiddenSize: Int? = nil, queueSize: Int = 65_536,
    temperature: Float = 0.2, movingAverageDecay: MovingAverageDecay = 0.999,
    targetNorm: TargetNorm = .batch, isSymmetric: Bool = false,
    augmentation: (any Augmentation)? = nil, seed: UInt64? = nil
  ) {
    self.init(
      net, inputShape: imageShape(imageSize, channels: channels, of: net), hiddenLayer: hiddenLayer,
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      queueSize: queueSize, temperature: temperature, movingAverageDecay: movingAverageDecay,
      targetNorm: targetNorm, isSymmetric: isSymmetric,
      augmentation: augmentation
        ?? Compose.mocoV2(imageSize: imageSize, normalization: nil),
      seed: seed)
  }

  /// A learner around a network whose inputs are of any shape, which is given without the count, with
  /// augmentations of their own; the rest as for images.
  public init(
    _ net: any Module, inputShape: Shape, hiddenLayer: HiddenLayer = -2,
    projectionSize: Int = 128, projectionHiddenSize: Int? = nil, queueSize: Int = 65_536,
    temperature: Float = 0.2, movingAverageDecay: MovingAverageDecay = 0.999,
    targetNorm: TargetNorm = .batch, isSymmetric: Bool = false, augmentation: any Augmentation,
    seed: UInt64? = nil
  ) {
    var stream = seed.map { RandomStream(seed: $0) } ?? .unpredictable()
    let encoder = Encoder(net, hiddenLayer: hiddenLayer, inputShape: inputShape)
    let projector = withRandomSeed(stream.next()) {
      MLP([encoder.width, projectionHiddenSize ?? encoder.width, projectionSize])
    }
    self.encoder = encoder
    self.projector = projector
    target = TargetEncoder(
      ["net": net, "projector": projector], decay: movingAverageDecay, norm: targetNorm)
    queue = FeatureQueue(capacity: queueSize, width: projectionSize)
    self.temperature = temperature
    self.isSymmetric = isSymmetric
    self.augmentation = augmentation
    self.stream = stream
  }

  /// The network, the head, the target and the queue.
  public var parts: [(name: String, part: any Stateful)] {
    [("net", net), ("projector", projector), ("target", target), ("queue", queue)]
  }

  /// It does, by the queue's keys.
  public var lossKeepsImagesApart: Bool { true }

  /// Two random views of each image.
  public func views(of images: Tensor) -> ViewPair {
    ViewPair(of: images, by: (augmentation, augmentation), using: stream.split())
  }

  /// The loss of given views: first ones are queries, second ones keys, and the reverse if symmetric.
  ///
  /// - Returns: A scalar of at least 0; 0 while the queue is empty.
  public func loss(_ views: ViewPair) -> Tensor {
    checkCount(views)
    let loss = contrast(views.first, with: views.second)
    return isSymmetric ? loss + contrast(views.second, with: views.first) : loss
  }

  /// Queries of one view against the keys of the other and those of the queue.
  private func contrast(_ view: Tensor, with other: Tensor) -> Tensor {
    let queries = project(view)
    let keys = target { unitNorm(project(other)) }
    statistics = LearnerStatistics(queries)
    if queries.isTracked { queue.hold(keys) }
    return momentumContrast(
      queries, keys: keys, negatives: queue.rows, temperature: temperature)
  }

  /// Moves the target toward the network and the step's keys into the queue.
  ///
  /// Called once after each optimizer step; a batch's keys are no negatives of the batch itself.
  public func updateMovingAverage() {
    target.update()
    queue.appendHeld()
  }

  /// Makes the target equal to the network again.
  public func resetMovingAverage() { target.reset() }
}
