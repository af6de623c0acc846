import SelfSupervised

/// One step of a learner on two views that stay the same: loss, backward, Adam, moving average.
struct TrainingStep {
  private let learner: any Learner
  private let optimizer: Adam
  private let loss: () -> Tensor

  init(_ learner: any Learner, loss: @escaping () -> Tensor) {
    self.learner = learner
    self.loss = loss
    optimizer = Adam(learner.parameters, learningRate: 3e-4)
  }

  init<L: Learner>(_ learner: L, on views: ViewPair) where L.Views == ViewPair {
    self.init(learner) { learner.loss(views) }
  }

  func callAsFunction() {
    optimizer.zeroGradients()
    loss().backward()
    optimizer.step()
    learner.updateMovingAverage()
  }
}

/// The learners whose steps can be timed, each with its own defaults.
enum Method: String, CaseIterable {
  case byol, simsiam, simclr, nnclr, moco
  case barlowTwins = "barlow-twins"
  case vicreg, pixelcl

  /// A step of this learner around `net` on a batch of random images of the given side.
  func step(_ net: ResNet, size side: Int, batch: Int) -> TrainingStep {
    let size = Size2D(side)
    var stream = RandomStream(seed: 2)
    let views = ViewPair(
      first: .uniform([batch, side, side, 3], in: 0..<1, using: &stream),
      second: .uniform([batch, side, side, 3], in: 0..<1, using: &stream))
    let layer: HiddenLayer = "avgpool"
    switch self {
    case .byol, .simsiam:
      return TrainingStep(
        BYOL(net, imageSize: size, hiddenLayer: layer, useMomentum: self == .byol, seed: 1),
        on: views)
    case .simclr:
      return TrainingStep(SimCLR(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .nnclr:
      return TrainingStep(NNCLR(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .moco:
      return TrainingStep(MoCo(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .barlowTwins:
      return TrainingStep(BarlowTwins(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .vicreg:
      return TrainingStep(VICReg(net, imageSize: size, hiddenLayer: layer, seed: 1), on: views)
    case .pixelcl:
      // Its crops are part of the method; nothing else is done to the images.
      let learner = PixelCL(
        net, imageSize: size, hiddenLayerInstance: layer, augmentation: Unchanged(), seed: 1)
      return TrainingStep(learner) { learner(views.first) }
    }
  }
}
