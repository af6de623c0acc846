import Nets
import Tensor

/// Barlow Twins: self-supervised learning by redundancy reduction (Zbontar et al., 2021).
///
/// The features of two views' projections shall agree each with itself and with no other. There is
/// neither target nor predictor nor negatives; a batch may be small, a projection should be wide.
///
/// The loss is between 0 and 4 · size + λ · size · (size - 1). Of an untrained network it is somewhat
/// below `size`; healthy training takes it to half of that fast, from 114 to 52 with 128 features in 200 steps
/// (`Example7BarlowTwins 200`), and slowly on. A loss that stays at `size` is a collapse: features that are constant,
/// or have nothing to do with their like in the other view.
public final class BarlowTwins: ProjectionLearner {
  /// The user's network up to the tapped layer.
  public let encoder: Encoder
  /// From features to projections.
  public let projector: any Module
  /// The weight λ of the features' correlations with each other.
  public let redundancyWeight: Float
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
  ///   - redundancyWeight: The weight λ of the features' correlations with each other.
  ///   - viewBatching: How the two views of a batch go through the network.
  ///   - augmentation: How views are drawn; BYOL's two ways, as in the paper but not normalised, when it is
  ///     nil.
  ///   - secondAugmentation: How second views are drawn; like first ones when only that is given.
  ///   - seed: Where random views and the head's weights come from; unpredictable when it is nil.
  /// - Precondition: The network has parameters, has the layer and calls it.
  public convenience init(
    _ net: any Module, imageSize: Size2D, hiddenLayer: HiddenLayer = -2, channels: Int? = nil,
    projectionSize: Int = 8_192, projectionHiddenSize: Int? = nil, redundancyWeight: Float = 5e-3,
    viewBatching: ViewBatching = .separate, augmentation: (any Augmentation)? = nil,
    secondAugmentation: (any Augmentation)? = nil, seed: UInt64? = nil
  ) {
    self.init(
      net, inputShape: imageShape(imageSize, channels: channels, of: net), hiddenLayer: hiddenLayer,
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      redundancyWeight: redundancyWeight, viewBatching: viewBatching,
      augmentation: augmentation ?? Compose.byolFirst(imageSize: imageSize, normalization: nil),
      secondAugmentation: secondAugmentation ?? augmentation
        ?? Compose.byolSecond(imageSize: imageSize, normalization: nil),
      seed: seed)
  }

  /// A learner around a network whose inputs are of any shape, which is given without the count, with
  /// augmentations of their own; the rest as for images.
  public init(
    _ net: any Module, inputShape: Shape, hiddenLayer: HiddenLayer = -2,
    projectionSize: Int = 8_192, projectionHiddenSize: Int? = nil, redundancyWeight: Float = 5e-3,
    viewBatching: ViewBatching = .separate, augmentation: any Augmentation,
    secondAugmentation: any Augmentation, seed: UInt64? = nil
  ) {
    var stream = seed.map { RandomStream(seed: $0) } ?? .unpredictable()
    let encoder = Encoder(net, hiddenLayer: hiddenLayer, inputShape: inputShape)
    self.encoder = encoder
    projector = withRandomSeed(stream.next()) {
      Heads.barlowTwins(
        encoder.width, hidden: projectionHiddenSize ?? projectionSize, outputs: projectionSize)
    }
    self.redundancyWeight = redundancyWeight
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
  /// - Returns: A scalar in 0...4 · size + λ · size · (size - 1).
  /// - Precondition: There are at least two images.
  public func loss(projections: ViewPair) -> Tensor {
    statistics = LearnerStatistics(projections.first)
    return barlowTwinsLoss(
      projections.first, projections.second, redundancyWeight: redundancyWeight)
  }
}
