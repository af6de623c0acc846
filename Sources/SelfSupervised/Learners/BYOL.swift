import Nets
import Tensor

/// Bootstrap your own latent (Grill et al., 2020), and SimSiam with `useMomentum: false` (Chen and
/// He, 2021).
///
/// A predictor behind the network's projection of one view learns to give a slowly moving target's
/// projection of the other. The loss is the sum over both directions of 2 - 2 · cosine: in 0...8,
/// about 4 at the start, between 0.2 and 2 in healthy training. A loss near zero within the first
/// steps, with ``LearnerStatistics/spread`` near zero, is a collapse.
///
/// Others' numbers for the same loss L:
///
/// | | |
/// |---|---|
/// | byol-pytorch, DeepMind's code, solo-learn | L |
/// | lightly's benchmark on ImageNet, mmselfsup | L - 4 |
/// | lightly's on CIFAR-10, SimSiam's authors | (L - 4) / 4 |
///
/// Gradients of the last are a quarter of these: their SGD's rates are to be divided by four here, and the decays
/// of weights multiplied by four.
public final class BYOL: Learner {
  /// The user's network up to the tapped layer.
  public let encoder: Encoder
  /// From features to projections.
  public let projector: any Module
  /// From projections to predictions of the target's.
  public let predictor: any Module
  /// The slowly moving numbers; nil for SimSiam, whose target is its own projection.
  public let target: TargetEncoder?
  /// How the two views of a batch go through the network.
  public let viewBatching: ViewBatching
  /// Where the random views come from.
  public var stream: RandomStream
  /// What the last loss was like.
  public private(set) var statistics = LearnerStatistics()

  private let augmentations: (first: any Augmentation, second: any Augmentation)

  /// A learner around any network; the network itself is not changed.
  ///
  /// Defaults that differ from byol-pytorch 0.9.1's: each view goes through the network on its own, views are
  /// the paper's and not normalised, so that the network takes images as they are, and there are no simplicial
  /// embeddings unless asked for. SimSiam has its authors' heads but for their sizes: byol-pytorch's 256 features
  /// and a bottleneck of a quarter, where they have 2,048 and 512; its authors' views are
  /// ``Compose/simSiam(imageSize:blur:normalization:)``.
  ///
  /// - Parameters:
  ///   - net: The network to improve.
  ///   - imageSize: The size of the views.
  ///   - hiddenLayer: The layer whose output is the representation: a name, the number of a child,
  ///     or the layer itself.
  ///   - channels: The channels of the images; those of the first convolution when it is nil.
  ///   - projectionSize: The features of a projection.
  ///   - projectionHiddenSize: The hidden features of the projector and of BYOL's predictor; when it is
  ///     nil, 4,096 for BYOL, and for SimSiam the features of the layer, as in its authors' code
  ///     (byol-pytorch has 4,096 for both).
  ///   - predictorHiddenSize: The hidden features of the predictor; when it is nil, those of the
  ///     projector for BYOL and a quarter of the projection for SimSiam, its paper's bottleneck.
  ///   - normalizesProjections: Whether the projector ends with a batch norm, which keeps the variance of
  ///     every feature at one. The paper's does not; in short runs on small batches it keeps features from
  ///     dying before they are learnt. SimSiam's projector always does.
  ///   - movingAverageDecay: The share of its old numbers that the target keeps in a step; 0.99 is
  ///     the paper's for 300 epochs, 0.996 rising to 1 its choice for 1,000.
  ///   - targetNorm: Whose statistics the target's batch norms use.
  ///   - useMomentum: Whether there is a moving-average target; without one the learner is SimSiam.
  ///   - viewBatching: How the two views of a batch go through the network.
  ///   - simplicialEmbedding: Puts an embedding on simplices in front of the projector.
  ///   - augmentation: How views are drawn; the paper's two ways, but not normalised, when it is nil.
  ///   - secondAugmentation: How second views are drawn; like first ones when only that is given.
  ///   - seed: Where random views and the heads' weights come from; unpredictable when it is nil.
  /// - Precondition: The network has parameters, has the layer and calls it.
  public convenience init(
    _ net: any Module, imageSize: Size2D, hiddenLayer: HiddenLayer = -2, channels: Int? = nil,
    projectionSize: Int = 256, projectionHiddenSize: Int? = nil, predictorHiddenSize: Int? = nil,
    normalizesProjections: Bool = false, movingAverageDecay: MovingAverageDecay = 0.99,
    targetNorm: TargetNorm = .batch, useMomentum: Bool = true,
    viewBatching: ViewBatching = .separate,
    simplicialEmbedding: SimplicialEmbedding.Configuration? = nil,
    augmentation: (any Augmentation)? = nil, secondAugmentation: (any Augmentation)? = nil,
    seed: UInt64? = nil
  ) {
    self.init(
      net, inputShape: imageShape(imageSize, channels: channels, of: net), hiddenLayer: hiddenLayer,
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      predictorHiddenSize: predictorHiddenSize, normalizesProjections: normalizesProjections,
      movingAverageDecay: movingAverageDecay, targetNorm: targetNorm, useMomentum: useMomentum,
      viewBatching: viewBatching,
      simplicialEmbedding: simplicialEmbedding,
      augmentation: augmentation ?? Compose.byolFirst(imageSize: imageSize, normalization: nil),
      secondAugmentation: secondAugmentation ?? augmentation
        ?? Compose.byolSecond(imageSize: imageSize, normalization: nil),
      seed: seed)
  }

  /// A learner around a network whose inputs are of any shape, which is given without the count, with
  /// augmentations of their own; the rest as for images.
  public init(
    _ net: any Module, inputShape: Shape, hiddenLayer: HiddenLayer = -2,
    projectionSize: Int = 256, projectionHiddenSize: Int? = nil, predictorHiddenSize: Int? = nil,
    normalizesProjections: Bool = false, movingAverageDecay: MovingAverageDecay = 0.99,
    targetNorm: TargetNorm = .batch, useMomentum: Bool = true,
    viewBatching: ViewBatching = .separate,
    simplicialEmbedding: SimplicialEmbedding.Configuration? = nil,
    augmentation: any Augmentation, secondAugmentation: any Augmentation, seed: UInt64? = nil
  ) {
    var stream = seed.map { RandomStream(seed: $0) } ?? .unpredictable()
    encoder = Encoder(net, hiddenLayer: hiddenLayer, inputShape: inputShape)
    let heads = BYOLHeads(
      width: encoder.width, projectionSize: projectionSize,
      hiddenSize: projectionHiddenSize ?? (useMomentum ? 4_096 : encoder.width),
      predictorHiddenSize: predictorHiddenSize, simplicialEmbedding: simplicialEmbedding,
      normalizesProjections: normalizesProjections, isSimSiam: !useMomentum)
    (projector, predictor) = withRandomSeed(stream.next()) { (heads.projector, heads.predictor) }
    target =
      useMomentum
      ? TargetEncoder(
        ["net": net, "projector": projector], decay: movingAverageDecay, norm: targetNorm) : nil
    self.viewBatching = viewBatching
    self.stream = stream
    augmentations = (augmentation, secondAugmentation)
  }

  /// The network, the heads and the target.
  public var parts: [(name: String, part: any Stateful)] {
    let trained: [(String, any Stateful)] = [
      ("net", net), ("projector", projector), ("predictor", predictor),
    ]
    return trained + (target.map { [("target", $0)] } ?? [])
  }

  /// Two random views of each image.
  public func views(of images: Tensor) -> ViewPair {
    ViewPair(of: images, by: augmentations, using: stream.split())
  }

  /// The loss of two given views: crossed, so that each view predicts the target of the other.
  ///
  /// - Returns: A scalar in 0...8.
  /// - Precondition: There are at least two images while batch norm is in training mode.
  public func loss(_ views: ViewPair) -> Tensor {
    checkCount(views)
    // Before the network's own pass, whose activations stay in memory.
    let given = target.map { target in target { self.projections(of: views) } }
    let projections = self.projections(of: views)
    statistics = LearnerStatistics(projections.first)
    let predictions = viewBatching(
      projections, atOnce: takesBatchesAtOnce, run: predictor.callAsFunction)
    let targets = given ?? projections
    return cosineRegression(predictions.first, onto: targets.second)
      + cosineRegression(predictions.second, onto: targets.first)
  }

  private func projections(of views: ViewPair) -> ViewPair {
    viewBatching(views, atOnce: takesBatchesAtOnce, run: project)
  }

  /// Moves the target toward the network; called once after each optimizer step.
  ///
  /// Nothing for SimSiam, which has no target.
  public func updateMovingAverage() { target?.update() }

  /// Makes the target equal to the network again.
  public func resetMovingAverage() { target?.reset() }
}

/// The two heads of BYOL or of SimSiam.
private struct BYOLHeads {
  let width: Int
  let projectionSize: Int
  let hiddenSize: Int
  let predictorHiddenSize: Int?
  let simplicialEmbedding: SimplicialEmbedding.Configuration?
  let normalizesProjections: Bool
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
    if isSimSiam {
      Heads.simSiamProjector(width, hidden: hiddenSize, outputs: projectionSize)
    } else if normalizesProjections {
      Heads.byolNormalized(width, hidden: hiddenSize, outputs: projectionSize)
    } else {
      Heads.byol(width, hidden: hiddenSize, outputs: projectionSize)
    }
  }

  var predictor: any Module {
    isSimSiam
      ? Heads.simSiamPredictor(
        projectionSize, hidden: predictorHiddenSize ?? max(1, projectionSize / 4))
      : Heads.byol(
        projectionSize, hidden: predictorHiddenSize ?? hiddenSize, outputs: projectionSize)
  }
}
