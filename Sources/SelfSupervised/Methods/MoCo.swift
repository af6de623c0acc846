import Nets
import Tensor

/// Momentum contrast, second version (He et al., 2020; Chen, Fan, Girshick and He, 2020).
public typealias MoCo = MethodLearner<MoCoMethod>

/// MoCo: a view's projection, the query, is told apart from the keys of other images by its
/// likeness to its own key, which a slowly moving target makes of the other view.
///
/// The other keys come from a queue, so that they are many at any size of batch. The loss begins at
/// 0, for the queue is empty unless it starts with random directions; it rises with the logarithm of
/// 1 + the rows of the queue while that fills, and healthy training then takes it below that: 11.1
/// for 65,536 rows. It is twice as much
/// if `isSymmetric`. A loss that stays at log(1 + rows), with
/// ``ProjectionStatistics/projectionStd`` near zero, is a collapse.
///
/// The paper shuffles keys between machines, so that batch norm cannot tell which keys came with a
/// query. On one machine there is nothing to shuffle between; group norm avoids the issue.
public struct MoCoMethod: LearningMethod {
  let projectionSize: Int
  let projectionHiddenSize: Int?
  let queueSize: Int
  let startsRandom: Bool
  let temperature: Float
  let movingAverageDecay: MovingAverageDecay
  let targetNorm: TargetNorm
  let isSymmetric: Bool

  /// The projector, the target and the queue.
  public struct Parts: MethodParts {
    /// From features to projections: linear, ReLU, linear.
    public let projector: any Module
    /// The slowly moving weights, which make the keys.
    public let target: TargetNetwork
    /// The keys of earlier steps, of unit length.
    public let queue: MemoryBank
  }

  /// It does, by the queue's keys.
  public var preventsCollapse: Bool { true }
  /// Its queue takes the keys of all processes' images.
  public var runsInSeveralProcesses: Bool { true }

  /// The projector, the target and a queue.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> Parts {
    let projector = MLP([backbone.width, projectionHiddenSize ?? backbone.width, projectionSize])
    return Parts(
      projector: projector,
      target: TargetNetwork(
        ["net": backbone.net, "projector": projector], decay: movingAverageDecay, norm: targetNorm),
      queue: MemoryBank(
        capacity: queueSize, width: projectionSize, startsRandom: startsRandom,
        using: startsRandom ? stream.split() : nil))
  }

  /// First views are queries and second ones keys, and the reverse too if symmetric.
  ///
  /// A batch's keys are no negatives of the batch itself: they enter the queue after the step.
  ///
  /// - Returns: A scalar of at least 0; 0 while the queue is empty.
  public func loss(of views: ViewPair, in pass: Pass<Parts>) -> StepLoss {
    let forth = contrast(views.first, with: views.second, pass)
    let queue = pass.parts.queue
    let keys = allGather(forth.keys)
    guard isSymmetric else {
      return StepLoss(forth.loss, projections: forth.queries) { queue.append(keys) }
    }
    let back = contrast(views.second, with: views.first, pass)
    let otherKeys = allGather(back.keys)
    return StepLoss(forth.loss + back.loss, projections: back.queries) {
      queue.append(keys)
      queue.append(otherKeys)
    }
  }

  /// Queries of one view against the keys of the other and those of the queue.
  private func contrast(
    _ view: Tensor, with other: Tensor, _ pass: Pass<Parts>
  ) -> (loss: Tensor, queries: Tensor, keys: Tensor) {
    let queries = pass.project(view)
    let keys = pass.parts.target.withTargetWeights { l2Normalized(pass.project(other)) }
    let loss = infoNCE(
      queries, keys: keys, negatives: pass.parts.queue.candidates, temperature: temperature)
    return (loss, queries.detached, keys)
  }

  /// The paper's way for both views, not normalised.
  public func augmentations(imageSize: Size2D) -> Augmentations {
    let views = Compose.mocoV2(imageSize: imageSize, normalization: nil)
    return (views, views)
  }
}

extension MethodLearner where M == MoCoMethod {
  /// MoCo around any network; the network itself is not changed.
  ///
  /// The other arguments are those of every ``MethodLearner``; views go through the network one after
  /// the other, as queries and as keys.
  ///
  /// The method's own arguments:
  ///
  /// - `projectionSize`: The features of a projection.
  /// - `projectionHiddenSize`: The hidden features of the projector; those of the tapped layer if
  ///   nil.
  /// - `queueSize`: How many keys the queue holds: fewer than there are images, or earlier keys of
  ///   the query's own image are among the negatives.
  /// - `startsRandom`: Whether random directions fill the queue at first, as in MoCo's code.
  /// - `temperature`: What similarities are divided by.
  /// - `movingAverageDecay`: The share of its old numbers that the target keeps in a step.
  /// - `targetNorm`: Whose statistics the target's batch norms use.
  /// - `isSymmetric`: Whether each view is a query once and a key once.
  public convenience init(
    _ net: any Module, imageSize: (any Size2DConvertible)? = nil, inputShape: TensorShape? = nil,
    hiddenLayer: HiddenLayer = -2, channels: Int? = nil, projectionSize: Int = 128,
    projectionHiddenSize: Int? = nil, queueSize: Int = 65_536,
    startsRandom: Bool = false, temperature: Float = 0.2,
    movingAverageDecay: MovingAverageDecay = 0.999, targetNorm: TargetNorm = .batch,
    isSymmetric: Bool = false, augmentation: (any Augmentation)? = nil,
    secondAugmentation: (any Augmentation)? = nil,
    seed: UInt64? = nil
  ) {
    let method = MoCoMethod(
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      queueSize: queueSize, startsRandom: startsRandom, temperature: temperature,
      movingAverageDecay: movingAverageDecay,
      targetNorm: targetNorm, isSymmetric: isSymmetric)
    self.init(
      net, method, imageSize: imageSize, inputShape: inputShape, hiddenLayer: hiddenLayer,
      channels: channels, augmentation: augmentation, secondAugmentation: secondAugmentation,
      seed: seed)
  }
}
