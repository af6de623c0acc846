import Nets
import Tensor

/// The latent-Euclidean joint-embedding predictive architecture (Balestriero and LeCun, 2025).
public typealias LeJEPA = MethodLearner<LeJEPAMethod>

/// LeJEPA: views of one image have one projection, and all projections are normally distributed.
///
/// There is neither target nor predictor nor negatives nor queue, and one hyperparameter, the weight
/// λ. The loss is at least 0. Where λ is 0.05, a collapse has 0.02 times the number of images of a
/// batch, and projections that are normal and agree have 0.05; see
/// ``lejepaLoss(_:along:regularization:)``.
///
/// It takes local views: the paper has two large ones and six or eight local ones.
public struct LeJEPAMethod: ProjectionMethod, MultiCropMethod {
  let projectionSize: Int
  let projectionHiddenSize: Int
  let regularization: Float
  let sliceCount: Int

  /// What stands behind the network.
  public struct Parts: MethodParts {
    /// From features to projections.
    public let projector: any Module
    /// The directions along which projections should be normal.
    public let slices: RandomSlices
  }

  /// Not yet: the distribution is that of the batch's rows.
  public var runsInSeveralProcesses: Bool { false }

  /// The projector, and directions of a stream of their own.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> Parts {
    precondition(
      (0...1).contains(regularization),
      "LeJEPA needs a regularization in 0...1; got \(regularization)")
    return Parts(
      projector: Heads.leJEPA(
        backbone.width, hidden: projectionHiddenSize, outputs: projectionSize),
      slices: RandomSlices(width: projectionSize, count: sliceCount, using: stream.split()))
  }

  /// How far views are from each other, and projections from a normal distribution; the metrics are
  /// both.
  public func loss(
    ofProjections projections: ViewPair, features: ViewPair, in pass: Pass<Parts>
  ) -> StepLoss {
    let slices = pass.parts.slices
    let (loss, invariance, distance) = lejepaLoss(
      projections, along: slices.directions, regularization: regularization)
    return StepLoss(
      loss, projections: projections.first,
      metrics: ["invariance": invariance.item, "sigreg": distance.item]
    ) { slices.advance() }
  }
}

extension MethodLearner where M == LeJEPAMethod {
  /// LeJEPA around any network; the network itself is not changed.
  ///
  /// The other arguments are those of every ``MethodLearner``.
  ///
  /// The method's own arguments:
  ///
  /// - `projectionSize`: The features of a projection.
  /// - `projectionHiddenSize`: The hidden features of the projector.
  /// - `regularization`: The weight λ of the distance from a normal distribution; that of the
  ///   agreement is 1 - λ.
  /// - `sliceCount`: Along how many random directions distributions are compared in a step.
  public convenience init(
    _ net: any Module, imageSize: (any Size2DConvertible)? = nil, inputShape: TensorShape? = nil,
    hiddenLayer: HiddenLayer = -2, channels: Int? = nil, projectionSize: Int = 64,
    projectionHiddenSize: Int = 2_048, regularization: Float = 0.05, sliceCount: Int = 1_024,
    viewBatching: ViewBatching = .separate, augmentation: (any Augmentation)? = nil,
    secondAugmentation: (any Augmentation)? = nil, localViews: LocalViews? = nil,
    seed: UInt64? = nil
  ) {
    let method = LeJEPAMethod(
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      regularization: regularization, sliceCount: sliceCount)
    self.init(
      net, method, imageSize: imageSize, inputShape: inputShape, hiddenLayer: hiddenLayer,
      channels: channels, viewBatching: viewBatching, augmentation: augmentation,
      secondAugmentation: secondAugmentation, localViews: localViews, seed: seed)
  }
}
