import Nets
import Tensor

/// Self-distillation with no labels (Caron et al., 2021).
public typealias DINO = MethodLearner<DINOMethod>

/// DINO: the network's view of an image is sorted among prototypes as a slowly moving target sorts
/// another one.
///
/// There are neither negatives nor a predictor; the centered and sharpened outputs of the target keep
/// images apart, see ``dinoLoss(_:targets:temperature:targetTemperature:)``. The loss begins at about
/// log(prototypes), 11.1 for 65,536, and falls. It is at least `target_entropy`, the metric, which is in
/// 0...log(prototypes): a loss that is hardly above it, with that near either end, is a collapse, onto
/// one prototype or onto all alike.
///
/// It is made for vision transformers, AdamW and local views, which the target does not see; the paper
/// has up to ten of them.
public struct DINOMethod: MultiCropMethod {
  let prototypeCount: Int
  let projectionSize: Int
  let projectionHiddenSize: Int
  let normalizesProjections: Bool
  let temperature: Float
  let targetTemperature: any Schedule
  let centerMomentum: Float
  let movingAverageDecay: MovingAverageDecay
  let targetNorm: TargetNorm
  let frozenPrototypeSteps: Int

  /// What stands behind the network.
  public struct Parts: MethodParts {
    /// From features to projections, whose direction counts.
    public let projector: any Module
    /// What projections are compared with.
    public let prototypes: Prototypes
    /// The slowly moving weights.
    public let target: TargetNetwork
    /// The average of the target's outputs.
    public let center: OutputCenter
  }

  /// It does, by the center and the temperature of the target.
  public var preventsCollapse: Bool { true }
  /// Its loss is a mean over images, and the center one over those of all processes.
  public var runsInSeveralProcesses: Bool { true }

  /// The projector, the prototypes, the target and the center.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> Parts {
    precondition(
      temperature > 0 && frozenPrototypeSteps >= 0,
      "DINO needs a temperature above zero and steps of at least zero; got \(temperature) and "
        + "\(frozenPrototypeSteps)")
    let projector = Heads.dino(
      backbone.width, hidden: projectionHiddenSize, outputs: projectionSize,
      batchNorm: normalizesProjections)
    let prototypes = Prototypes(projectionSize, count: prototypeCount)
    return Parts(
      projector: projector, prototypes: prototypes,
      target: TargetNetwork(
        ["net": backbone.net, "projector": projector, "prototypes": prototypes],
        decay: movingAverageDecay, norm: targetNorm),
      center: OutputCenter(prototypeCount, momentum: centerMomentum))
  }

  /// Every view is sorted as the target sorts the large ones; the metric is how undecided the target
  /// is.
  ///
  /// - Returns: A scalar of at least 0.
  public func loss(of views: ViewPair, in pass: Pass<Parts>) -> StepLoss {
    let (prototypes, target, center) = (
      pass.parts.prototypes, pass.parts.target, pass.parts.center
    )
    // Before the network's own pass, whose activations stay in memory.
    let targets = target.withTargetWeights {
      pass.project(views.globals).mapRows { prototypes($0) }
    }
    let projections = pass.project(views)
    let isFrozen = target.step < frozenPrototypeSteps
    let (loss, entropy) = dinoLoss(
      projections.mapRows { isFrozen ? prototypes.frozen($0) : prototypes($0) },
      targets: targets.mapRows { center($0) }, temperature: temperature,
      targetTemperature: targetTemperature.value(at: target.step))
    let mean = meanOverAll((targets.first + targets.second) / 2, batchRows(views.first))
    return StepLoss(
      loss, projections: projections.first, metrics: ["target_entropy": entropy.item]
    ) { center.update(toward: mean) }
  }

  /// The paper's ways for large views, not normalized.
  public func augmentations(imageSize: Size2D) -> Augmentations {
    (
      Compose.dinoFirst(imageSize: imageSize, normalization: nil),
      Compose.dinoSecond(imageSize: imageSize, normalization: nil)
    )
  }
}

extension MethodLearner where M == DINOMethod {
  /// DINO around any network; the network itself is not changed.
  ///
  /// Defaults of the head and the loss are those of the paper's code and lightly's. Both have local
  /// views besides, eight and six, which are asked for here: `LocalViews(count: 6, size: 96,
  /// augmentation: Compose.dinoLocal(imageSize: 96, normalization: nil))` has the paper's. The other
  /// arguments are those of every ``MethodLearner``.
  ///
  /// The method's own arguments:
  ///
  /// - `prototypeCount`: How many prototypes there are: the outputs of the head. Thousands of pictures
  ///   want no more than some thousand.
  /// - `projectionSize`: The features in front of the prototypes.
  /// - `projectionHiddenSize`: The hidden features of the projector.
  /// - `normalizesProjections`: Whether the projector has batch norms. Without them all outputs of small
  ///   networks are nearly alike for hundreds of steps (<doc:RecipesThatWork>); for long trainings of
  ///   transformers the paper and lightly have none.
  /// - `temperature`: What the network's outputs are divided by.
  /// - `targetTemperature`: What the target's are divided by in each step: lower than `temperature`.
  ///   The paper raises it from 0.04 to 0.07 over 30 epochs, which ``LinearRise`` does.
  /// - `centerMomentum`: The share of its old numbers that the center keeps with each batch, those
  ///   whose gradients are added up included.
  /// - `movingAverageDecay`: The share of its old numbers that the target keeps in a step; the paper's
  ///   0.996 rises to 1 along a cosine.
  /// - `targetNorm`: Whose statistics the target's batch norms use.
  /// - `frozenPrototypeSteps`: For how many steps prototypes stay where they are; one epoch in the
  ///   paper's code, none in lightly's unless asked for.
  public convenience init(
    _ net: any Module, imageSize: (any Size2DConvertible)? = nil, inputShape: TensorShape? = nil,
    hiddenLayer: HiddenLayer = -2, channels: Int? = nil, prototypeCount: Int = 65_536,
    projectionSize: Int = 256, projectionHiddenSize: Int = 2_048,
    normalizesProjections: Bool = false, temperature: Float = 0.1,
    targetTemperature: any Schedule = Constant(0.04), centerMomentum: Float = 0.9,
    movingAverageDecay: MovingAverageDecay = 0.996, targetNorm: TargetNorm = .batch,
    frozenPrototypeSteps: Int = 0, viewBatching: ViewBatching = .separate,
    augmentation: (any Augmentation)? = nil, secondAugmentation: (any Augmentation)? = nil,
    localViews: LocalViews? = nil, seed: UInt64? = nil
  ) {
    let method = DINOMethod(
      prototypeCount: prototypeCount, projectionSize: projectionSize,
      projectionHiddenSize: projectionHiddenSize, normalizesProjections: normalizesProjections,
      temperature: temperature,
      targetTemperature: targetTemperature, centerMomentum: centerMomentum,
      movingAverageDecay: movingAverageDecay, targetNorm: targetNorm,
      frozenPrototypeSteps: frozenPrototypeSteps)
    self.init(
      net, method, imageSize: imageSize, inputShape: inputShape, hiddenLayer: hiddenLayer,
      channels: channels, viewBatching: viewBatching, augmentation: augmentation,
      secondAugmentation: secondAugmentation, localViews: localViews, seed: seed)
  }
}
