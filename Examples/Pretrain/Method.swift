import SelfSupervised

/// The learners a run can choose from.
enum Method: String, CaseIterable {
  case byol, simsiam, simclr, nnclr, moco
  case barlowTwins = "barlow-twins"
  case vicreg, pixelcl

  /// The features of VICReg's projections: many, but for a small network fewer than the paper's 8,192.
  private static let expandedSize = 1_024

  /// Those of Barlow Twins' projections. The correlations of features that have none are of the size of
  /// one by the root of the batch: among many features of small batches they outweigh all else.
  private static let correlatedSize = 256

  /// The features in MoCo's queue, and where its target's decay begins: keys of many steps ago should be
  /// like those of today.
  private static let (queueSize, queueDecay) = (1_024, Float(0.99))

  /// The recipe's optimizer, as it suits this learner: SimSiam, whose target moves at full speed, wants
  /// an eighth of its rate: WhatLearnersReach.md has what others give.
  func optimizer(of recipe: Recipe) -> OptimizerChoice {
    var choice = recipe.optimizer
    switch self {
    case .simsiam: choice.learningRate *= 0.125
    case .barlowTwins: choice.learningRate *= recipe.barlowTwinsShare
    default: break
    }
    return choice
  }

  /// A learner of this kind around `net`, with heads and views that suit `recipe`.
  func learner(
    _ net: ResNet, size: Size2D, recipe: Recipe, steps: Int, seed: UInt64
  ) -> any Learner {
    let (outputs, hidden) = (recipe.projectionSize, recipe.projectionHiddenSize)
    let views = recipe.augmentation(size)
    let decay = MovingAverageDecay.cosine(from: recipe.movingAverageStart, steps: steps)
    switch self {
    case .byol, .simsiam:
      return BYOL(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: outputs,
        projectionHiddenSize: hidden, normalizesProjections: recipe.normalizesProjections,
        movingAverageDecay: decay, useMomentum: self == .byol, augmentation: views, seed: seed)
    case .simclr:
      return SimCLR(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: outputs,
        projectionHiddenSize: hidden, temperature: 0.2, augmentation: views, seed: seed)
    case .nnclr:
      return NNCLR(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: outputs,
        projectionHiddenSize: hidden, predictorHiddenSize: hidden, queueSize: 4_096,
        temperature: 0.2, augmentation: views, seed: seed)
    case .moco:
      return MoCo(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: outputs,
        projectionHiddenSize: hidden, queueSize: Self.queueSize,
        movingAverageDecay: .cosine(from: Self.queueDecay, steps: steps), isSymmetric: true,
        augmentation: views, seed: seed)
    case .barlowTwins:
      return BarlowTwins(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: Self.correlatedSize,
        augmentation: views, seed: seed)
    case .vicreg:
      return VICReg(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: Self.expandedSize,
        augmentation: views, seed: seed)
    case .pixelcl:
      // PixContrast, for without negatives pixels become alike under SGD: see the article Pixels.
      return PixelCL(
        net, imageSize: size, hiddenLayerInstance: "avgpool", projectionSize: outputs,
        projectionHiddenSize: hidden, movingAverageDecay: decay,
        usesPixPro: false, cropExtent: .sides(recipe.crop.lowerBound.squareRoot()...1),
        flipProbability: 0.5, augmentation: Compose(recipe.colors), seed: seed)
    }
  }
}
