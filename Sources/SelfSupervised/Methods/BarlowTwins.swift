import Nets
import Tensor

/// Self-supervised learning by redundancy reduction (Zbontar et al., 2021).
public typealias BarlowTwins = MethodLearner<BarlowTwinsMethod>

/// Barlow Twins: each feature of two views' projections agrees with itself and with no other.
///
/// There is neither target nor predictor nor negatives; a batch may be small, a projection should
/// be wide. The loss is between 0 and 4 · size + λ · size · (size - 1). Of an untrained network it
/// is somewhat below `size`; healthy training takes it to half of that fast, from 114 to 52 with
/// 128 features in 200 steps (`TutorialBarlowTwins 200`), and slowly on. A loss that stays at
/// `size` is a collapse: features that are constant, or have nothing to do with their like in the
/// other view.
public struct BarlowTwinsMethod: ProjectionMethod {
  /// The paper's features of a projection.
  public static let paperProjectionSize = 8_192

  let projectionSize: Int?
  let projectionHiddenSize: Int?
  let redundancyWeight: Float

  /// Its correlations are those of all processes' images.
  public var runsInSeveralProcesses: Bool { true }

  /// The projector.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> ProjectorOnly {
    let size = projectionSize ?? min(4 * backbone.width, Self.paperProjectionSize)
    return ProjectorOnly(
      projector: Heads.barlowTwins(
        backbone.width, hidden: projectionHiddenSize ?? size, outputs: size))
  }

  /// What both views' projections, of shape [count, size], lack.
  ///
  /// - Precondition: There are at least two images.
  public func loss(
    ofProjections projections: ViewPair, features: ViewPair, in pass: Pass<ProjectorOnly>
  ) -> StepLoss {
    StepLoss(
      barlowTwinsLoss(
        projections.first, projections.second, redundancyWeight: redundancyWeight),
      projections: projections.first)
  }
}

extension MethodLearner where M == BarlowTwinsMethod {
  /// Barlow Twins around any network; the network itself is not changed.
  ///
  /// The other arguments are those of every ``MethodLearner``.
  ///
  /// The method's own arguments:
  ///
  /// - `projectionSize`: The features of a projection; if nil, four times those of the tapped layer
  ///   and at most the paper's 8,192 (``BarlowTwinsMethod/paperProjectionSize``).
  /// - `projectionHiddenSize`: The hidden features of the projector; those of a projection if nil.
  /// - `redundancyWeight`: The weight λ of the features' correlations with each other.
  public convenience init(
    _ net: any Module, imageSize: (any Size2DConvertible)? = nil, inputShape: TensorShape? = nil,
    hiddenLayer: HiddenLayer = -2, channels: Int? = nil, projectionSize: Int? = nil,
    projectionHiddenSize: Int? = nil, redundancyWeight: Float = 5e-3,
    viewBatching: ViewBatching = .separate, augmentation: (any Augmentation)? = nil,
    secondAugmentation: (any Augmentation)? = nil, seed: UInt64? = nil
  ) {
    let method = BarlowTwinsMethod(
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      redundancyWeight: redundancyWeight)
    self.init(
      net, method, imageSize: imageSize, inputShape: inputShape, hiddenLayer: hiddenLayer,
      channels: channels, viewBatching: viewBatching, augmentation: augmentation,
      secondAugmentation: secondAugmentation, seed: seed)
  }
}
