import Nets
import Tensor

/// Variance-invariance-covariance regularisation (Bardes et al., 2022).
///
/// Two views' projections shall be close, each feature shall vary over the batch, and no two shall
/// vary together. There is neither target nor predictor nor negatives, and the two sides need not be
/// alike.
///
/// The loss is at least 0 and has no bound above. Of an untrained network it is between 20 and 35,
/// most of which is a lack of variance; healthy training takes it down slowly, from 23.6 to 20.9 in 200
/// steps (`Example8VICReg 200`), while ``LearnerStatistics/spread`` stays up. A loss that stays at 24.75
/// is a collapse: features without any variance.
public final class VICReg: ProjectionLearner {
  /// The user's network up to the tapped layer.
  public let encoder: Encoder
  /// From features to projections.
  public let projector: any Module
  /// How much the three terms of the loss count.
  public let weights: VICRegWeights
  /// How the two views of a batch go through the network.
  public let viewBatching: ViewBatching
  /// Where the random views come from.
  public var stream: RandomStream
  /// What the last loss was like.
  public private(set) var statistics = LearnerStatistics()

  private let augmentations: (first: any Augmentation, second: any Augmentation)

  /// A learner around any network; the network itself is not changed.
  ///
  /// - Parameters:
  ///   - net: The network to improve.
  ///   - imageSize: The size of the views.
  ///   - hiddenLayer: The layer whose output is the representation: a name, the number of a child,
  ///     or the layer itself.
  ///   - channels: The channels of the images; those of the first convolution when it is nil.
  ///   - projectionSize: The features of a projection, the paper's 8,192; fewer save time and memory
  ///     where the network is small.
  ///   - projectionHiddenSize: The hidden features of the projector; as many as a projection's when
  ///     it is nil.
  ///   - weights: How much the three terms of the loss count.
  ///   - viewBatching: How the two views of a batch go through the network.
  ///   - augmentation: How views are drawn; BYOL's two ways, as in the paper but not normalised, when it is
  ///     nil.
  ///   - secondAugmentation: How second views are drawn; like first ones when only that is given.
  ///   - seed: Where random views and the head's weights come from; unpredictable when it is nil.
  /// - Precondition: The network has parameters, has the layer and calls it.
  public convenience init(
    _ net: any Module, imageSize: Size2D, hiddenLayer: HiddenLayer = -2, channels: Int? = nil,
    projectionSize: Int = 8_192, projectionHiddenSize: Int? = nil,
    weights: VICRegWeights = VICRegWeights(), viewBatching: ViewBatching = .separate,
    augmentation: (any Augmentation)? = nil, secondAugmentation: (any Augmentation)? = nil,
    seed: UInt64? = nil
  ) {
    self.init(
      net, inputShape: imageShape(imageSize, channels: channels, of: net), hiddenLayer: hiddenLayer,
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize, weights: weights,
      viewBatching: viewBatching,
      augmentation: augmentation ?? Compose.byolFirst(imageSize: imageSize, normalization: nil),
      secondAugmentation: secondAugmentation ?? augmentation
        ?? Compose.byolSecond(imageSize: imageSize, normalization: nil),
      seed: seed)
  }

  /// A learner around a network whose inputs are of any shape, which is given without the count, with
  /// augmentations of their own; the rest as for images.
  public init(
    _ net: any Module, inputShape: Shape, hiddenLayer: HiddenLayer = -2,
    projectionSize: Int = 8_192, projectionHiddenSize: Int? = nil,
    weights: VICRegWeights = VICRegWeights(), viewBatching: ViewBatching = .separate,
    augmentation: any Augmentation, secondAugmentation: any Augmentation, seed: UInt64? = nil
  ) {
    var stream = seed.map { RandomStream(seed: $0) } ?? .unpredictable()
    let encoder = Encoder(net, hiddenLayer: hiddenLayer, inputShape: inputShape)
    self.encoder = encoder
    projector = withRandomSeed(stream.next()) {
      Heads.vicReg(
        encoder.width, hidden: projectionHiddenSize ?? projectionSize, outputs: projectionSize)
    }
    self.weights = weights
    self.viewBatching = viewBatching
    self.stream = stream
    augmentations = (augmentation, secondAugmentation)
  }

  /// The network and the head.
  public var parts: [(name: String, part: any Stateful)] {
    [("net", net), ("projector", projector)]
  }

  /// Two random views of each image.
  public func views(of images: Tensor) -> ViewPair {
    ViewPair(of: images, by: augmentations, using: stream.split())
  }

  /// What both views' projections, of shape [count, size], lack.
  ///
  /// - Returns: A scalar of at least 0.
  /// - Precondition: There are at least two images.
  public func loss(projections: ViewPair) -> Tensor {
    statistics = LearnerStatistics(projections.first)
    return vicRegLoss(projections.first, projections.second, weights: weights)
  }
}
