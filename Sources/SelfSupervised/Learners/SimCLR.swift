import Nets
import Tensor

/// A simple framework for contrastive learning (Chen et al., 2020).
///
/// Each view of an image must find the other one among all views of the batch: see
/// ``ntXent(_:_:temperature:isDecoupled:)`` for the range of the loss and its course. The images of a
/// batch are each other's negatives, so that large batches teach more; ``backward(_:chunkSize:)-(Tensor,_)`` makes
/// them without the memory. There is no target, and no predictor.
public final class SimCLR: ProjectionLearner {
  /// The published shapes of the projector.
  public enum Head: Sendable {
    /// Linear, batch norm, ReLU, linear, batch norm: lightly's and AI Summer's.
    case twoLayer
    /// Three layers with batch norm: Google's code.
    case threeLayer
    /// Linear, ReLU, linear: the paper's equation and solo-learn's. No image of a batch depends on
    /// another in it.
    case plain
  }

  /// The user's network up to the tapped layer.
  public let encoder: Encoder
  /// From features to projections.
  public let projector: any Module
  /// What similarities are divided by.
  public let temperature: Float
  /// Whether the positive is left out of the loss's sum.
  public let isDecoupled: Bool
  /// How the two views of a batch go through the network.
  public let viewBatching: ViewBatching
  /// Where the random views come from.
  public var stream: RandomStream
  /// What the last loss was like.
  public private(set) var statistics = LearnerStatistics()

  private let augmentations: (first: any Augmentation, second: any Augmentation)
  private var lastCount = 0

  /// A learner around any network; the network itself is not changed.
  ///
  /// - Parameters:
  ///   - net: The network to improve.
  ///   - imageSize: The size of the views.
  ///   - hiddenLayer: The layer whose output is the representation: a name, the number of a child,
  ///     or the layer itself.
  ///   - channels: The channels of the images; those of the first convolution when it is nil.
  ///   - projectionSize: The features of a projection.
  ///   - projectionHiddenSize: The hidden features of the projector; those of the tapped layer, as
  ///     published, when it is nil.
  ///   - head: The shape of the projector.
  ///   - temperature: What similarities are divided by.
  ///   - isDecoupled: Whether the positive is left out of the loss's sum.
  ///   - viewBatching: How the two views of a batch go through the network; AI Summer runs them one
  ///     after the other, Google's code as one batch.
  ///   - augmentation: How views are drawn; Google's for ImageNet when it is nil.
  ///   - secondAugmentation: How second views are drawn; like first ones when it is nil.
  ///   - seed: Where random views and the head's weights come from; unpredictable when it is nil.
  /// - Precondition: The network has parameters, has the layer and calls it.
  public convenience init(
    _ net: any Module, imageSize: Size2D, hiddenLayer: HiddenLayer = -2, channels: Int? = nil,
    projectionSize: Int = 128, projectionHiddenSize: Int? = nil, head: Head = .twoLayer,
    temperature: Float = 0.5, isDecoupled: Bool = false, viewBatching: ViewBatching = .separate,
    augmentation: (any Augmentation)? = nil, secondAugmentation: (any Augmentation)? = nil,
    seed: UInt64? = nil
  ) {
    let augmentation = augmentation ?? Compose.simCLR(imageSize: imageSize)
    self.init(
      net, inputShape: imageShape(imageSize, channels: channels, of: net), hiddenLayer: hiddenLayer,
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize, head: head,
      temperature: temperature, isDecoupled: isDecoupled, viewBatching: viewBatching,
      augmentation: augmentation, secondAugmentation: secondAugmentation ?? augmentation,
      seed: seed)
  }

  /// A learner around a network whose inputs are of any shape, which is given without the count, with
  /// augmentations of their own; the rest as for images.
  public init(
    _ net: any Module, inputShape: Shape, hiddenLayer: HiddenLayer = -2,
    projectionSize: Int = 128, projectionHiddenSize: Int? = nil, head: Head = .twoLayer,
    temperature: Float = 0.5, isDecoupled: Bool = false, viewBatching: ViewBatching = .separate,
    augmentation: any Augmentation, secondAugmentation: any Augmentation, seed: UInt64? = nil
  ) {
    precondition(temperature > 0, "SimCLR needs a temperature above zero; got \(temperature)")
    var stream = seed.map { RandomStream(seed: $0) } ?? .unpredictable()
    let encoder = Encoder(net, hiddenLayer: hiddenLayer, inputShape: inputShape)
    self.encoder = encoder
    projector = withRandomSeed(stream.next()) {
      head.projector(
        encoder.width, hidden: projectionHiddenSize ?? encoder.width, outputs: projectionSize)
    }
    self.temperature = temperature
    self.isDecoupled = isDecoupled
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

  /// The contrast of both views' projections.
  public func loss(projections: ViewPair) -> Tensor {
    statistics = LearnerStatistics(projections.first)
    lastCount = projections.count
    return ntXent(
      projections.first, projections.second, temperature: temperature, isDecoupled: isDecoupled)
  }

  /// With how many views each view of the last batch was contrasted.
  public var measures: [(name: String, value: Float)] {
    [("negatives_per_anchor", Float(negativesPerAnchor(imageCount: lastCount)))]
  }

  /// With how many views each view of a batch of `imageCount` images is contrasted: 2N - 2.
  ///
  /// Batches whose gradients are added up have no more than each has alone.
  public func negativesPerAnchor(imageCount: Int) -> Int { max(0, 2 * imageCount - 2) }
}

extension SimCLR.Head {
  fileprivate func projector(_ inputs: Int, hidden: Int, outputs: Int) -> any Module {
    switch self {
    case .twoLayer: Heads.simCLR(inputs, hidden: hidden, outputs: outputs)
    case .threeLayer: Heads.simCLRThreeLayer(inputs, hidden: hidden, outputs: outputs)
    case .plain: MLP([inputs, hidden, outputs])
    }
  }
}
