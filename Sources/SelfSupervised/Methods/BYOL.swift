import Nets
import Tensor

/// Bootstrap your own latent (Grill et al., 2020); with `useMomentum: false` it is ``SimSiam``.
public typealias BYOL = MethodLearner<BYOLMethod>

/// BYOL: a predictor behind the network's projection of one view learns to give a slowly moving
/// target's projection of the other.
///
/// The loss is the sum over both directions of 2 - 2 · cosine: in 0...8, about 4 at the start,
/// between 0.2 and 2 in healthy training. A loss near zero within the first steps, with
/// ``ProjectionStatistics/projectionStd`` near zero, is a collapse.
///
/// Local views predict the target's projections of both large ones; the target sees none of them.
///
/// Others' numbers for the same loss L:
///
/// | | |
/// |---|---|
/// | byol-pytorch, DeepMind's code, solo-learn | L |
/// | lightly's benchmark on ImageNet, mmselfsup | L - 4 |
/// | lightly's on CIFAR-10, SimSiam's authors | (L - 4) / 4 |
///
/// Gradients of the last are a quarter of these: divide their SGD's rates by four here, and
/// multiply their weight decays by four.
public struct BYOLMethod: MultiCropMethod {
  let projectionSize: Int
  let projectionHiddenSize: Int?
  let predictorHiddenSize: Int?
  let normalizesProjections: Bool
  let movingAverageDecay: MovingAverageDecay
  let targetNorm: TargetNorm
  let useMomentum: Bool
  let simplicialEmbedding: SimplicialEmbedding.Configuration?

  /// Its loss is a mean over images.
  public var runsInSeveralProcesses: Bool { true }

  /// Projector, predictor and target.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> BYOLParts {
    guard useMomentum else { return simSiam.makeParts(for: backbone, using: &stream) }
    let (size, hidden) = (projectionSize, projectionHiddenSize ?? 4_096)
    let projector = embedded(simplicialEmbedding, backbone.width) {
      normalizesProjections
        ? Heads.byolNormalized($0, hidden: hidden, outputs: size) as any Module
        : Heads.byol($0, hidden: hidden, outputs: size)
    }
    return BYOLParts(
      projector: projector,
      predictor: Heads.byol(size, hidden: predictorHiddenSize ?? hidden, outputs: size),
      target: TargetNetwork(
        ["net": backbone.net, "projector": projector], decay: movingAverageDecay,
        norm: targetNorm))
  }

  /// The method without a target.
  private var simSiam: SimSiamMethod {
    SimSiamMethod(
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      predictorHiddenSize: predictorHiddenSize, simplicialEmbedding: simplicialEmbedding)
  }

  /// Each view predicts the target of the other.
  ///
  /// - Returns: A scalar in 0...8.
  public func loss(of views: ViewPair, in pass: Pass<BYOLParts>) -> StepLoss {
    pass.crossedPredictionLoss(of: views)
  }
}

extension Pass where Parts == BYOLParts {
  /// Each view predicts what the target, or without one the network itself, projects of the other;
  /// local views predict it of both.
  ///
  /// Twice the mean over these pairs, so that local views leave the range as it is.
  func crossedPredictionLoss(of views: ViewPair) -> StepLoss {
    // Before the network's own pass, whose activations stay in memory.
    let given = parts.target.map { $0.withTargetWeights { project(views.globals) } }
    let projections = project(views)
    let predictions = apply(parts.predictor, projections)
    let targets = given ?? projections
    let crossed =
      byolLoss(predictions.first, onto: targets.second)
      + byolLoss(predictions.second, onto: targets.first)
    let sum = predictions.locals.reduce(crossed) { sum, local in
      sum + byolLoss(local, onto: targets.first) + byolLoss(local, onto: targets.second)
    }
    return StepLoss(sum / Float(1 + predictions.locals.count), projections: projections.first)
  }
}

/// The parts of ``BYOL`` and ``SimSiam``.
public struct BYOLParts: MethodParts {
  /// From features to projections.
  public let projector: any Module
  /// From projections to predictions of the target's.
  public let predictor: any Module
  /// The slowly moving weights; nil for SimSiam, whose target is its own projection.
  public let target: TargetNetwork?
}

extension MethodLearner where M == BYOLMethod {
  /// BYOL around any network; the network itself is not changed.
  ///
  /// Defaults that differ from byol-pytorch 0.9.1's: each view goes through the network on its own,
  /// views are the paper's and not normalised, so that the network takes images as they are, and
  /// there are no simplicial embeddings unless asked for. The other
  /// arguments are those of every ``MethodLearner``.
  ///
  /// The method's own arguments:
  ///
  /// - `projectionSize`: The features of a projection.
  /// - `projectionHiddenSize`: The hidden features of the projector and the predictor; 4,096 if
  ///   nil, and without a target those of the tapped layer, as in SimSiam's code (byol-pytorch:
  ///   4,096).
  /// - `predictorHiddenSize`: The hidden features of the predictor; those of the projector if nil,
  ///   and without a target a quarter of the projection.
  /// - `normalizesProjections`: Whether the projector ends with a batch norm. The paper's does not;
  ///   in short runs on small batches it keeps features from dying before they are learnt.
  /// - `movingAverageDecay`: The share of its old numbers that the target keeps in a step; 0.99 is
  ///   the paper's for 300 epochs, 0.996 rising to 1 its choice for 1,000.
  /// - `targetNorm`: Whose statistics the target's batch norms use.
  /// - `useMomentum`: Whether there is a moving-average target; without one the learner is SimSiam.
  /// - `simplicialEmbedding`: Puts an embedding on simplices in front of the projector.
  public convenience init(
    _ net: any Module, imageSize: (any Size2DConvertible)? = nil, inputShape: TensorShape? = nil,
    hiddenLayer: HiddenLayer = -2, channels: Int? = nil, projectionSize: Int = 256,
    projectionHiddenSize: Int? = nil, predictorHiddenSize: Int? = nil,
    normalizesProjections: Bool = false, movingAverageDecay: MovingAverageDecay = 0.99,
    targetNorm: TargetNorm = .batch, useMomentum: Bool = true,
    viewBatching: ViewBatching = .separate,
    simplicialEmbedding: SimplicialEmbedding.Configuration? = nil,
    augmentation: (any Augmentation)? = nil, secondAugmentation: (any Augmentation)? = nil,
    localViews: LocalViews? = nil, seed: UInt64? = nil
  ) {
    let method = BYOLMethod(
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      predictorHiddenSize: predictorHiddenSize, normalizesProjections: normalizesProjections,
      movingAverageDecay: movingAverageDecay, targetNorm: targetNorm, useMomentum: useMomentum,
      simplicialEmbedding: simplicialEmbedding)
    self.init(
      net, method, imageSize: imageSize, inputShape: inputShape, hiddenLayer: hiddenLayer,
      channels: channels, viewBatching: viewBatching, augmentation: augmentation,
      secondAugmentation: secondAugmentation, localViews: localViews, seed: seed)
  }
}

/// A projector behind an embedding on simplices, or behind the features themselves.
func embedded(
  _ embedding: SimplicialEmbedding.Configuration?, _ width: Int,
  _ projector: (_ inputs: Int) -> any Module
) -> any Module {
  guard let embedding else { return projector(width) }
  return Sequential {
    Sequential {
      Linear(width, embedding.width)
      BatchNorm(embedding.width)
    }
    SimplicialEmbedding(embedding)
    projector(embedding.width)
  }
}
