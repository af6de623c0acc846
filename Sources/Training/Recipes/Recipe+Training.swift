import Datasets
import Nets
import SelfSupervised
import Tensor

extension Recipe {
  /// What a training moves, and by which schedule.
  public struct Training {
    /// The method around the network.
    public let learner: any Learner
    /// What moves the weights.
    public let optimizer: any Optimizer
    /// The step size of each step: a linear rise, then half a cosine down to zero.
    public let learningRate: any Schedule
  }

  /// The method around `net`, with heads and views of this recipe, its optimizer and schedule.
  ///
  /// - Parameters:
  ///   - net: The network to improve.
  ///   - imageSize: The size of views.
  ///   - hiddenLayer: The layer whose output is the representation.
  ///   - steps: How many steps the training has.
  ///   - teacher: What a distillation learns from.
  ///   - seed: Where random views and the heads' weights come from; unpredictable when it is nil.
  /// - Returns: The learner, its optimizer and the schedule of the step size.
  /// - Precondition: A distillation has a teacher, and a method with local views takes them.
  public func training(
    _ net: any Module, imageSize: any Size2DConvertible, hiddenLayer: HiddenLayer = -2, steps: Int,
    teacher: Teacher? = nil, seed: UInt64? = nil
  ) -> Training {
    let learner = self.learner(
      net, imageSize: imageSize.size2D, hiddenLayer: hiddenLayer, steps: steps, teacher: teacher,
      seed: seed)
    return Training(
      learner: learner, optimizer: optimizer(of: learner), learningRate: schedule(steps: steps))
  }

  /// The step size of each step.
  package func schedule(steps: Int) -> any Schedule {
    let rise = Int(warmUp * Float(steps))
    return CosineDecay(from: optimizer.learningRate, over: steps - rise).warmed(over: rise)
  }

  /// How many images a second a training takes, measured by some of its steps: what a time has room
  /// for follows from it.
  ///
  /// - Parameters:
  ///   - net: A network; its weights are what they were when this returns.
  ///   - imageSize: The size of views.
  ///   - hiddenLayer: The layer whose output is the representation.
  ///   - loader: Where batches come from.
  ///   - accumulatedBatches: How many batches make one step.
  ///   - teacher: What a distillation learns from.
  ///   - time: How long to measure; some seconds, for the first steps are slow.
  /// - Returns: Images a second.
  /// - Throws: What reading images throws.
  public func imagesPerSecond(
    _ net: any Module, imageSize: any Size2DConvertible, hiddenLayer: HiddenLayer = -2,
    loader: DataLoader, accumulatedBatches: Int = 1, teacher: Teacher? = nil,
    for time: Duration = .seconds(10)
  ) throws -> Double {
    let state = net.state
    // Of one step: what stays as it is in the first steps of many takes its time here.
    let training = training(
      net, imageSize: imageSize, hiddenLayer: hiddenLayer, steps: 1, teacher: teacher, seed: 0)
    let trainer = Trainer(
      training.learner, optimizer: training.optimizer, loader: loader, stepCount: 1_000_000)
    trainer.learningRate = Constant(0)
    trainer.accumulatedBatches = accumulatedBatches
    trainer.timeLimit = time
    let result = Result { try trainer.run() }
    try net.load(state)
    return try result.get().imagesPerSecond
  }

  private func optimizer(of learner: any Learner) -> any Optimizer {
    let rate = predictorRate * optimizer.learningRate
    return switch learner {
    // Its predictor keeps its rate, as in its paper: here the schedule's highest.
    case let learner as SimSiam:
      optimizer.optimizer(
        of: learner.parameterGroups(
          weightDecay: optimizer.weightDecay, predictorLearningRate: rate))
    case let learner as BYOL where predictorRate != 1:
      optimizer.optimizer(
        of: learner.parameterGroups(
          weightDecay: optimizer.weightDecay, predictorLearningRate: rate))
    default: optimizer.optimizer(of: learner.parameterGroups(weightDecay: optimizer.weightDecay))
    }
  }

  private func learner(
    _ net: any Module, imageSize size: Size2D, hiddenLayer layer: HiddenLayer, steps: Int,
    teacher: Teacher?, seed: UInt64?
  ) -> any Learner {
    let (outputs, hidden) = (projectionSize, projectionHiddenSize)
    let (views, local) = (augmentation(size), localViews(size))
    let decay = MovingAverageDecay.cosine(from: movingAverageDecay, steps: steps)
    switch method {
    case .byol:
      return BYOL(
        net, imageSize: size, hiddenLayer: layer, projectionSize: outputs,
        projectionHiddenSize: hidden, normalizesProjections: normalizesProjections,
        movingAverageDecay: decay, augmentation: views, localViews: local, seed: seed)
    case .simsiam:
      return SimSiam(
        net, imageSize: size, hiddenLayer: layer, projectionSize: outputs,
        projectionHiddenSize: hidden, augmentation: views, localViews: local, seed: seed)
    case .simclr:
      return SimCLR(
        net, imageSize: size, hiddenLayer: layer, projectionSize: outputs,
        projectionHiddenSize: hidden, temperature: temperature, isDecoupled: isDecoupled,
        augmentation: views, localViews: local, seed: seed)
    case .nnclr:
      return NNCLR(
        net, imageSize: size, hiddenLayer: layer, projectionSize: outputs,
        projectionHiddenSize: hidden, predictorHiddenSize: hidden, queueSize: queueSize,
        temperature: temperature, augmentation: views, seed: seed)
    case .moco:
      return MoCo(
        net, imageSize: size, hiddenLayer: layer, projectionSize: outputs,
        projectionHiddenSize: hidden, queueSize: queueSize, temperature: temperature,
        movingAverageDecay: decay, isSymmetric: true, augmentation: views, seed: seed)
    case .dino:
      return DINO(
        net, imageSize: size, hiddenLayer: layer, prototypeCount: prototypeCount,
        projectionSize: outputs, projectionHiddenSize: hidden,
        normalizesProjections: normalizesProjections, temperature: temperature,
        targetTemperature: Constant(targetTemperature), movingAverageDecay: decay,
        // One epoch of a hundred in the paper's code.
        frozenPrototypeSteps: steps / 100, augmentation: views, localViews: local, seed: seed)
    case .barlowTwins:
      return BarlowTwins(
        net, imageSize: size, hiddenLayer: layer, projectionSize: outputs, augmentation: views,
        seed: seed)
    case .vicreg:
      return VICReg(
        net, imageSize: size, hiddenLayer: layer, projectionSize: outputs, augmentation: views,
        localViews: local, seed: seed)
    case .lejepa:
      return LeJEPA(
        net, imageSize: size, hiddenLayer: layer, projectionSize: outputs,
        projectionHiddenSize: hidden, augmentation: views, localViews: local, seed: seed)
    case .distillation:
      guard let teacher else { preconditionFailure("distillation needs a teacher; got none") }
      return Distillation(
        net, teacher: teacher, imageSize: size, hiddenLayer: layer, augmentation: views,
        seed: seed)
    case .pixelcl:
      // PixContrast, for without negatives pixels become alike under SGD: see the article Pixels.
      return PixelCL(
        net, imageSize: size, hiddenLayer: layer, projectionSize: outputs,
        projectionHiddenSize: hidden, movingAverageDecay: decay, usesPixPro: false,
        cropExtent: .sides(crop.lowerBound.squareRoot()...1), flipProbability: flipProbability,
        augmentation: Compose(colors.augmentations), seed: seed)
    }
  }
}
