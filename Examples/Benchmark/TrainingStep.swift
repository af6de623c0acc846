import SelfSupervised
import Training

/// One step of a learner: loss, backward, Adam, moving average.
struct TrainingStep {
  private let learner: any Learner
  private let optimizer: Adam
  private let loss: () -> StepLoss

  init(_ learner: any Learner, loss: @escaping () -> StepLoss) {
    self.learner = learner
    self.loss = loss
    optimizer = Adam(learner.parameters, learningRate: 3e-4)
  }

  /// A step on views that stay the same.
  init<L: Learner>(_ learner: L, on views: L.Views) {
    self.init(learner) { learner.stepLoss(of: views) }
  }

  func callAsFunction() {
    optimizer.zeroGradients()
    loss().backward()
    optimizer.step()
    learner.updateMovingAverage()
  }
}

extension MethodName {
  /// A step of this method's learner, with its own defaults, around `net` on a batch of random
  /// images of the given side.
  func step(_ net: any Module, size side: Int, batch: Int) -> TrainingStep {
    let size = Size2D(side)
    var stream = RandomStream(seed: 2)
    let views = ViewPair(
      first: .uniform([batch, side, side, 3], in: 0..<1, using: &stream),
      second: .uniform([batch, side, side, 3], in: 0..<1, using: &stream))
    let layer: HiddenLayer = net is ResNet ? "avgpool" : "pool"
    switch self {
    case .byol:
      return TrainingStep(BYOL(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .simsiam:
      return TrainingStep(SimSiam(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .simclr:
      return TrainingStep(SimCLR(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .nnclr:
      return TrainingStep(NNCLR(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .moco:
      return TrainingStep(MoCo(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .dino:
      return TrainingStep(DINO(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .barlowTwins:
      return TrainingStep(BarlowTwins(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .vicreg:
      return TrainingStep(VICReg(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .lejepa:
      return TrainingStep(LeJEPA(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .distillation:
      // With features of ResNet-50's width, which a teacher has computed before.
      let rows = Tensor.normal([batch, 2_048], using: &stream)
      let learner = Distillation(
        net, teacher: .kept(rows), imageSize: size, hiddenLayer: layer, queueSize: 1_024, seed: 1)
      return TrainingStep(learner, on: TaughtViews(views.first, teacher: rows))
    case .pixelcl:
      // Its crops are part of the method; nothing else is done to the images.
      let learner = PixelCL(
        net, imageSize: size, hiddenLayer: layer, augmentation: IdentityAugmentation(), seed: 1)
      return TrainingStep(learner) { learner.stepLoss(on: views.first) }
    }
  }
}
