import Nets
import SelfSupervised
import Tensor

/// The learners a run can choose from.
package enum MethodName: String, CaseIterable, Sendable {
  case byol, simsiam, simclr, nnclr, moco
  case barlowTwins = "barlow-twins"
  case vicreg, lejepa, pixelcl, distillation

  /// The features of VICReg's projections: many, but for a small network fewer than the paper's
  /// 8,192.
  private static let expandedSize = 1_024

  /// Those of Barlow Twins' projections. The correlations of features that have none are of the
  /// size of one by the root of the batch: among many features of small batches they outweigh all
  /// else.
  private static let correlatedSize = 256

  /// The features in MoCo's queue, and where its target's decay begins: keys of many steps ago
  /// should be like those of today.
  private static let (queueSize, queueDecay) = (1_024, Float(0.99))

  /// The features of LeJEPA's projections: few, for each direction has to be normal.
  private static let normalSize = 64

  /// Whether the method takes local views beside the two large ones.
  package var takesLocalViews: Bool {
    switch self {
    case .byol, .simsiam, .simclr, .vicreg, .lejepa: true
    case .nnclr, .moco, .barlowTwins, .pixelcl, .distillation: false
    }
  }

  /// The recipe's optimizer, as it suits this learner: SimSiam, whose target moves at full speed,
  /// wants an eighth of its rate: WhatLearnersReach.md has what others give.
  package func optimizer(of recipe: Recipe) -> OptimizerChoice {
    var choice = recipe.optimizer
    switch self {
    case .simsiam: choice.learningRate *= 0.125
    case .barlowTwins: choice.learningRate *= recipe.barlowTwinsShare
    case .vicreg: choice.learningRate *= recipe.vicRegShare
    default: break
    }
    return choice
  }

  /// A learner of this kind around `net`, with heads and views that suit `recipe`, and its
  /// optimizer.
  ///
  /// - Precondition: `distillation` has a teacher, and a method with local views takes them.
  package func training(
    _ net: ResNet, size: Size2D, recipe: Recipe, optimizer: OptimizerChoice, steps: Int,
    localViews: LocalViews? = nil, teacher: Teacher? = nil, seed: UInt64
  ) -> (learner: any Learner, optimizer: any Optimizer) {
    let (outputs, hidden) = (recipe.projectionSize, recipe.projectionHiddenSize)
    let views = recipe.augmentation(size)
    let decay = MovingAverageDecay.cosine(from: recipe.movingAverageStart, steps: steps)
    let learner: any Learner
    switch self {
    case .byol:
      learner = BYOL(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: outputs,
        projectionHiddenSize: hidden, normalizesProjections: recipe.normalizesProjections,
        movingAverageDecay: decay, augmentation: views, localViews: localViews, seed: seed)
    case .simsiam:
      let learner = SimSiam(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: outputs,
        projectionHiddenSize: hidden, augmentation: views, localViews: localViews, seed: seed)
      return (learner, optimizer.optimizer(of: learner))
    case .simclr:
      learner = SimCLR(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: outputs,
        projectionHiddenSize: hidden, temperature: 0.2, augmentation: views,
        localViews: localViews, seed: seed)
    case .nnclr:
      learner = NNCLR(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: outputs,
        projectionHiddenSize: hidden, predictorHiddenSize: hidden, queueSize: 4_096,
        temperature: 0.2, augmentation: views, seed: seed)
    case .moco:
      learner = MoCo(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: outputs,
        projectionHiddenSize: hidden, queueSize: Self.queueSize,
        movingAverageDecay: .cosine(from: Self.queueDecay, steps: steps), isSymmetric: true,
        augmentation: views, seed: seed)
    case .barlowTwins:
      learner = BarlowTwins(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: Self.correlatedSize,
        augmentation: views, seed: seed)
    case .vicreg:
      learner = VICReg(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: Self.expandedSize,
        augmentation: views, localViews: localViews, seed: seed)
    case .lejepa:
      learner = LeJEPA(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: Self.normalSize,
        projectionHiddenSize: hidden, augmentation: views, localViews: localViews, seed: seed)
    case .distillation:
      guard let teacher else { preconditionFailure("distillation needs a teacher; got none") }
      learner = Distillation(
        net, teacher: teacher, imageSize: size, hiddenLayer: "avgpool", augmentation: views,
        seed: seed)
    case .pixelcl:
      // PixContrast, for without negatives pixels become alike under SGD: see the article Pixels.
      learner = PixelCL(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: outputs,
        projectionHiddenSize: hidden, movingAverageDecay: decay,
        usesPixPro: false, cropExtent: .sides(recipe.crop.lowerBound.squareRoot()...1),
        flipProbability: 0.5, augmentation: Compose(recipe.colors.augmentations), seed: seed)
    }
    return (learner, optimizer.optimizer(of: learner))
  }
}
