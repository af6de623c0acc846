import Nets
import Tensor

/// Bootstrap your own latent (Grill et al., 2020), and SimSiam with `useMomentum: false` (Chen and
/// He, 2021).
///
/// A predictor behind the network's projection of one view learns to give a slowly moving target's
/// projection of the other. The loss is the sum over both directions of 2 - 2 · cosine: in 0...8,
/// about 4 at the start, between 0.2 and 2 in healthy training. A loss near zero within the first
/// steps, with ``LearnerStatistics/spread`` near zero, is a collapse.
public final class BYOL: Learner {
  /// The user's network.
  public var net: any Module { encoder.net }
  /// From features to projections.
  public let projector: any Module
  /// From projections to predictions of the target's.
  public let predictor: any Module
  /// The slowly moving numbers; nil for SimSiam, whose target is its own projection.
  public let target: TargetEncoder?
  /// The share of its old numbers that the target keeps in a step.
  public let movingAverageDecay: MovingAverageDecay
  /// How the two views of a batch go through the network.
  public let viewBatching: ViewBatching
  /// Where the random views come from.
  public var stream: RandomStream
  /// What the last loss was like.
  public private(set) var statistics = LearnerStatistics()
  /// How often the target has followed.
  public private(set) var step = 0

  private let encoder: Encoder
  private let augmentations: (first: any Augmentation, second: any Augmentation)

  /// A learner around any network; the network itself is not changed.
  ///
  /// Two defaults differ from byol-pytorch 0.9.1: each view goes through the network on its own, as in
  /// the paper, and there are no simplicial embeddings unless asked for.
  ///
  /// - Parameters:
  ///   - net: The network to improve.
  ///   - imageSize: The size of the views.
  ///   - hiddenLayer: The layer whose output is the representation: a name, the number of a child,
  ///     or the layer itself.
  ///   - channels: The channels of the images; those of the first convolution when it is nil.
  ///   - projectionSize: The features of a projection.
  ///   - projectionHiddenSize: The hidden features of the projector and of BYOL's predictor.
  ///   - predictorHiddenSize: The hidden features of the predictor; when it is nil, those of the
  ///     projector for BYOL and a quarter of the projection for SimSiam, its paper's bottleneck.
  ///   - movingAverageDecay: The share of its old numbers that the target keeps in a step; 0.99 is
  ///     the paper's for 300 epochs, 0.996 rising to 1 its choice for 1,000.
  ///   - useMomentum: Whether there is a moving-average target; without one the learner is SimSiam.
  ///   - viewBatching: How the two views of a batch go through the network.
  ///   - simplicialEmbedding: Puts an embedding on simplices in front of the projector.
  ///   - augmentation: How views are drawn; the paper's two when it is nil.
  ///   - secondAugmentation: How second views are drawn; like first ones when only that is given.
  ///   - seed: Where random views and the heads' weights come from; unpredictable when it is nil.
  /// - Precondition: The network has parameters, has the layer and calls it.
  public convenience init(
    _ net: any Module, imageSize: Size2D, hiddenLayer: HiddenLayer = -2, channels: Int? = nil,
    projectionSize: Int = 256, projectionHiddenSize: Int = 4_096, predictorHiddenSize: Int? = nil,
    movingAverageDecay: MovingAverageDecay = 0.99, useMomentum: Bool = true,
    viewBatching: ViewBatching = .separate,
    simplicialEmbedding: SimplicialEmbedding.Configuration? = nil,
    augmentation: (any Augmentation)? = nil, secondAugmentation: (any Augmentation)? = nil,
    seed: UInt64? = nil
  ) {
    let channels = channels ?? inputChannels(of: net) ?? 3
    self.init(
      net, inputShape: [imageSize.height, imageSize.width, channels], hiddenLayer: hiddenLayer,
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      predictorHiddenSize: predictorHiddenSize, movingAverageDecay: movingAverageDecay,
      useMomentum: useMomentum, viewBatching: viewBatching,
      simplicialEmbedding: simplicialEmbedding,
      augmentation: augmentation ?? Compose.byolFirst(imageSize: imageSize),
      secondAugmentation: secondAugmentation ?? augmentation
        ?? Compose.byolSecond(imageSize: imageSize),
      seed: seed)
  }

  /// A learner around a network whose inputs are of any shape, with augmentations of their own.
  ///
  /// - Parameters:
  ///   - net: The network to improve.
  ///   - inputShape: The shape of one view, without the count.
  ///   - hiddenLayer: The layer whose output is the representation.
  ///   - projectionSize: The features of a projection.
  ///   - projectionHiddenSize: The hidden features of the projector and of BYOL's predictor.
  ///   - predictorHiddenSize: The hidden features of the predictor.
  ///   - movingAverageDecay: The share of its old numbers that the target keeps in a step.
  ///   - useMomentum: Whether there is a moving-average target.
  ///   - viewBatching: How the two views of a batch go through the network.
  ///   - simplicialEmbedding: Puts an embedding on simplices in front of the projector.
  ///   - augmentation: How first views are drawn.
  ///   - secondAugmentation: How second views are drawn.
  ///   - seed: Where random views and the heads' weights come from; unpredictable when it is nil.
  /// - Precondition: The network has parameters, has the layer and calls it.
  public init(
    _ net: any Module, inputShape: Shape, hiddenLayer: HiddenLayer = -2,
    projectionSize: Int = 256, projectionHiddenSize: Int = 4_096, predictorHiddenSize: Int? = nil,
    movingAverageDecay: MovingAverageDecay = 0.99, useMomentum: Bool = true,
    viewBatching: ViewBatching = .separate,
    simplicialEmbedding: SimplicialEmbedding.Configuration? = nil,
    augmentation: any Augmentation, secondAugmentation: any Augmentation, seed: UInt64? = nil
  ) {
    var stream = seed.map { RandomStream(seed: $0) } ?? .unpredictable()
    encoder = unwrapped { try Encoder(net, hiddenLayer: hiddenLayer, inputShape: inputShape) }
    let heads = BYOLHeads(
      width: encoder.width, projectionSize: projectionSize, hiddenSize: projectionHiddenSize,
      predictorHiddenSize: predictorHiddenSize, simplicialEmbedding: simplicialEmbedding,
      isSimSiam: !useMomentum)
    (projector, predictor) = withRandomSeed(stream.next()) { (heads.projector, heads.predictor) }
    target = useMomentum ? TargetEncoder([net, projector]) : nil
    self.movingAverageDecay = movingAverageDecay
    self.viewBatching = viewBatching
    self.stream = stream
    augmentations = (augmentation, secondAugmentation)
  }

  /// The network, the projector and the predictor.
  public var modules: [any Module] { [net, projector, predictor] }

  /// Two random views of each image.
  public func views(of images: Tensor) -> (first: Tensor, second: Tensor) {
    let draws = stream.split()
    return (
      SelfSupervised.views(of: images, by: augmentations.first, using: draws.split(0)),
      SelfSupervised.views(of: images, by: augmentations.second, using: draws.split(1))
    )
  }

  /// The loss of two given views: crossed, so that each view predicts the target of the other.
  ///
  /// - Parameters:
  ///   - first: A batch of shape [count, height, width, channels].
  ///   - second: Other views of the same images.
  /// - Returns: A scalar in 0...8.
  /// - Precondition: There are at least two images while batch norm is in training mode.
  public func loss(_ first: Tensor, _ second: Tensor) -> Tensor {
    checkViews(first, second)
    switch viewBatching {
    case .separate:
      let projections = (project(first), project(second))
      statistics.spread = normalizedSpread(projections.0)
      let targets = targets(first, second, online: projections)
      return crossed((predictor(projections.0), predictor(projections.1)), targets)
    case .joint:
      let count = first.shape[0]
      let both = concatenated([first, second])
      let projections = project(both)
      statistics.spread = normalizedSpread(projections)
      let predictions = predictor(projections)
      let targets = target.map { target in target { project(both) } } ?? projections
      return crossed(
        (predictions[0..<count], predictions[count..<2 * count]),
        (targets[0..<count], targets[count..<2 * count]))
    }
  }

  private func crossed(_ predictions: (Tensor, Tensor), _ targets: (Tensor, Tensor)) -> Tensor {
    cosineRegression(predictions.0, onto: targets.1)
      + cosineRegression(predictions.1, onto: targets.0)
  }

  /// The target's projections; SimSiam's are those the network has just made.
  private func targets(
    _ first: Tensor, _ second: Tensor, online: (Tensor, Tensor)
  ) -> (Tensor, Tensor) {
    target.map { target in target { (project(first), project(second)) } } ?? online
  }

  private func project(_ images: Tensor) -> Tensor { projector(encoder(images)) }

  private func checkViews(_ first: Tensor, _ second: Tensor) {
    precondition(
      first.shape == second.shape && first.rank >= 2,
      "BYOL needs two views of one shape [count, …]; got \(first.shape) and \(second.shape)")
    let isTraining = projector.namedModules.contains {
      ($0.module as? any ModeDependent)?.mode == .training
    }
    precondition(
      first.shape[0] > 1 || !isTraining,
      "BYOL needs at least 2 images in training, for batch norm has no variance over one; got "
        + "\(first.shape[0])")
  }

  /// Projections and embeddings of images as they are, in evaluation mode and without gradients.
  ///
  /// - Parameter images: A batch of any size, one included.
  /// - Returns: The projections and the features of the tapped layer.
  public func represent(_ images: Tensor) -> Representation {
    net.evaluating {
      projector.evaluating {
        withoutGradients {
          let embedding = encoder(images)
          return Representation(projection: projector(embedding), embedding: embedding)
        }
      }
    }
  }

  /// Moves the target toward the network; called once after each optimizer step.
  ///
  /// Nothing for SimSiam, which has no target.
  public func updateMovingAverage() {
    target?.update(decay: movingAverageDecay.value(at: step))
    step += 1
  }

  /// Makes the target equal to the network again.
  public func resetMovingAverage() { target?.reset() }
}

/// How the two views of a batch go through a network with batch norm.
public enum ViewBatching: Sendable {
  /// One after the other, each with its own batch statistics: DeepMind's, and the default.
  case separate
  /// As one batch of twice the size: byol-pytorch's since 0.7.2.
  case joint
}

/// The two heads of BYOL or of SimSiam.
private struct BYOLHeads {
  let width: Int
  let projectionSize: Int
  let hiddenSize: Int
  let predictorHiddenSize: Int?
  let simplicialEmbedding: SimplicialEmbedding.Configuration?
  let isSimSiam: Bool

  var projector: any Module {
    guard let simplicialEmbedding else { return plainProjector(width) }
    return Sequential {
      Sequential {
        Linear(width, simplicialEmbedding.width)
        BatchNorm(simplicialEmbedding.width)
      }
      SimplicialEmbedding(simplicialEmbedding)
      plainProjector(simplicialEmbedding.width)
    }
  }

  private func plainProjector(_ width: Int) -> any Module {
    isSimSiam
      ? Heads.simSiamProjector(width, hidden: hiddenSize, outputs: projectionSize)
      : Heads.byol(width, hidden: hiddenSize, outputs: projectionSize)
  }

  var predictor: any Module {
    isSimSiam
      ? Heads.simSiamPredictor(
        projectionSize, hidden: predictorHiddenSize ?? max(1, projectionSize / 4))
      : Heads.byol(
        projectionSize, hidden: predictorHiddenSize ?? hiddenSize, outputs: projectionSize)
  }
}

/// The channels that the first convolution of `net` reads.
func inputChannels(of net: any Module) -> Int? {
  for (_, module) in net.namedModules {
    if let convolution = module as? Conv2d { return convolution.inputChannels }
    if let standardized = module as? WeightStandardized {
      return standardized.convolution.inputChannels
    }
  }
  return nil
}
