import Nets
import Tensor

/// Variance-invariance-covariance regularization (Bardes et al., 2022).
public typealias VICReg = MethodLearner<VICRegMethod>

/// VICReg: two views' projections are close, each feature varies over the batch, and no two vary
/// together.
///
/// There is neither target nor predictor nor negatives. The loss is at least 0 and has no bound
/// above. Of an untrained network it is between 20 and 35, most of which is a lack of variance;
/// healthy training takes it down slowly, from 23.6 to 20.9 in 200 steps (`TutorialVICReg 200`),
/// while ``ProjectionStatistics/projectionStd`` stays up. A loss that stays at 24.75 is a collapse:
/// features without any variance. With local views it is the mean over all pairs of a large view and
/// another one.
public struct VICRegMethod: ProjectionMethod, MultiCropMethod {
  /// The paper's features of a projection.
  public static let paperProjectionSize = 8_192

  let projectionSize: Int?
  let projectionHiddenSize: Int?
  let weights: VICRegWeights

  /// Its variances are those of all processes' images.
  public var runsInSeveralProcesses: Bool { true }

  /// The projector.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> ProjectorOnly {
    let size = projectionSize ?? min(4 * backbone.width, Self.paperProjectionSize)
    return ProjectorOnly(
      projector: Heads.vicReg(backbone.width, hidden: projectionHiddenSize ?? size, outputs: size))
  }

  /// What both views' projections, of shape [count, size], lack.
  ///
  /// - Precondition: There are at least two images.
  public func loss(
    ofProjections projections: ViewPair, features: ViewPair, in pass: Pass<ProjectorOnly>
  ) -> StepLoss {
    StepLoss(
      projections.meanOverPairs { vicRegLoss($0, $1, weights: weights) },
      projections: projections.first)
  }
}

extension MethodLearner where M == VICRegMethod {
  /// VICReg around any network; the network itself is not changed.
  ///
  /// The other arguments are those of every ``MethodLearner``.
  ///
  /// The method's own arguments:
  ///
  /// - `projectionSize`: The features of a projection; if nil, four times those of the tapped layer
  ///   and at most the paper's 8,192 (``VICRegMethod/paperProjectionSize``).
  /// - `projectionHiddenSize`: The hidden features of the projector; those of a projection if nil.
  /// - `weights`: How much the three terms of the loss count.
  public convenience init(
    _ net: any Module, imageSize: (any Size2DConvertible)? = nil, inputShape: TensorShape? = nil,
    hiddenLayer: HiddenLayer = -2, channels: Int? = nil, projectionSize: Int? = nil,
    projectionHiddenSize: Int? = nil, weights: VICRegWeights = VICRegWeights(),
    viewBatching: ViewBatching = .separate, augmentation: (any Augmentation)? = nil,
    secondAugmentation: (any Augmentation)? = nil, localViews: LocalViews? = nil,
    seed: UInt64? = nil
  ) {
    let method = VICRegMethod(
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize, weights: weights)
    self.init(
      net, method, imageSize: imageSize, inputShape: inputShape, hiddenLayer: hiddenLayer,
      channels: channels, viewBatching: viewBatching, augmentation: augmentation,
      secondAugmentation: secondAugmentation, localViews: localViews, seed: seed)
  }
}
