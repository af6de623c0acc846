import Datasets
import Nets
import SelfSupervised
import Tensor

/// Fine-tuning with few labels of each class, beside training the same network from scratch with
/// them: what a training without labels has saved.
///
/// ```swift
/// let scores = try FineTuning().compare(
///   net, with: { ResNet.resNet18(stem: .small) }, hiddenLayer: "avgpool", bank: training,
///   queries: test, imageSize: 32, labelsPerClass: 10)
/// print(scores.fineTuned.mean, scores.fromScratch.mean)
/// ```
///
/// A new linear layer behind the network learns the classes by cross-entropy, and all of the network
/// with it, under SGD with a momentum of 0.9, or AdamW, and rates that fall to zero along a cosine.
public struct FineTuning: Sendable {
  /// How many steps each training has.
  public var stepCount: Int
  /// How many images a step takes; all labeled ones if they are fewer.
  public var batchSize: Int
  /// The first learning rate of the network that was trained before.
  public var learningRate: Float
  /// The first learning rate of the linear layer, and of all that is trained from scratch.
  public var headLearningRate: Float
  /// What moves the weights, of which none decays.
  public var optimizer: OptimizerKind

  /// For a vision transformer, which SGD at rates of convolutional networks ruins: AdamW at
  /// 0.0001, and 0.001 for the linear layer and all that is trained from scratch.
  public static let transformer = FineTuning(
    learningRate: 1e-4, headLearningRate: 1e-3, optimizer: .adamw)

  /// The settings of all trainings.
  ///
  /// - Precondition: All are above zero.
  public init(
    stepCount: Int = 100, batchSize: Int = 64, learningRate: Float = 0.01,
    headLearningRate: Float = 0.1, optimizer: OptimizerKind = .sgd
  ) {
    precondition(
      stepCount > 0 && batchSize > 0 && learningRate > 0 && headLearningRate > 0,
      "FineTuning needs steps, a batch size and learning rates above zero; got \(stepCount), "
        + "\(batchSize), \(learningRate) and \(headLearningRate)")
    (self.stepCount, self.batchSize) = (stepCount, batchSize)
    (self.learningRate, self.headLearningRate) = (learningRate, headLearningRate)
    self.optimizer = optimizer
  }

  /// Trains copies of a network, and networks from scratch, with the same few labels.
  ///
  /// - Parameters:
  ///   - pretrained: The network; it stays as it is.
  ///   - makeNet: Makes a network of the same names and shapes with new weights.
  ///   - hiddenLayer: The layer whose output is classified, by its name or number.
  ///   - bank: Images to draw labeled ones from.
  ///   - queries: Images to classify, with their labels.
  ///   - imageSize: The height and width that images are brought to.
  ///   - count: How many labels of each class are drawn; all of a class that has fewer.
  ///   - draws: How often they are drawn.
  ///   - seed: Where draws, new weights and the order of images come from.
  /// - Returns: The accuracies of each draw on the queries.
  /// - Throws: `StateError` if `makeNet` makes another network, ``NonFiniteError`` if a training
  ///   diverges.
  /// - Precondition: Both sets have labels of the same two classes or more.
  public func compare(
    _ pretrained: any Module, with makeNet: () -> any Module, hiddenLayer: HiddenLayer = -2,
    bank: any ImageDataset, queries: any ImageDataset, imageSize: any Size2DConvertible,
    labelsPerClass count: Int, draws: Int = 5, seed: UInt64 = 0
  ) throws -> (fineTuned: FewLabelAccuracy, fromScratch: FewLabelAccuracy) {
    let classCount = bank.classNames.count
    precondition(
      !bank.labels.isEmpty && !queries.labels.isEmpty && classCount > 1
        && queries.classNames.count == classCount && count > 0 && draws > 0,
      "compare needs labels of the same two classes or more in both sets, and labels of a class and "
        + "draws above zero; got \(classCount) and \(queries.classNames.count) classes, \(count) and "
        + "\(draws)")
    let size = imageSize.size2D
    let pretrained = pretrained.state
    var (fineTuned, fromScratch): ([Float], [Float]) = ([], [])
    for draw in 0..<draws {
      var stream = RandomStream(seed: seed).split(draw)
      let rows = sampledIndices(of: bank.labels, perClass: count, using: &stream)
      let labeled = LabeledImages(
        images: resized(bank.images(at: rows), to: size), labels: rows.map { bank.labels[$0] },
        classNames: bank.classNames)
      let seed = stream.next()
      for state in [pretrained, nil] {
        let net = withRandomSeed(seed, makeNet)
        try state.map { try net.load($0) }
        let classifier = Classifier(
          net, classCount: classCount, imageSize: size, hiddenLayer: hiddenLayer, seed: seed)
        let trainer = trainer(
          of: classifier, on: labeled, isPretrained: state != nil, seed: seed)
        try trainer.run()
        let accuracy = classifier.accuracy(on: queries, size: size)
        if state != nil { fineTuned.append(accuracy) } else { fromScratch.append(accuracy) }
      }
    }
    return (
      FewLabelAccuracy(labelsPerClass: count, accuracies: fineTuned),
      FewLabelAccuracy(labelsPerClass: count, accuracies: fromScratch)
    )
  }

  /// A training of a classifier on a few images.
  func trainer(
    of classifier: Classifier, on labeled: some ImageDataset, isPretrained: Bool, seed: UInt64
  ) -> Trainer {
    let rate = isPretrained ? learningRate : headLearningRate
    let choice = OptimizerChoice(kind: optimizer, learningRate: rate, weightDecay: 0)
    let optimizer = choice.optimizer(of: [
      ParameterGroup(classifier.net.parameters),
      ParameterGroup(
        classifier.projector.parameters, learningRateScale: headLearningRate / rate),
    ])
    let loader = DataLoader(
      labeled, batchSize: min(batchSize, labeled.count), shuffled: true, dropsLast: true, seed: seed
    )
    let trainer = Trainer(classifier, optimizer: optimizer, loader: loader, stepCount: stepCount)
    trainer.learningRate = CosineDecay(from: rate, over: stepCount)
    return trainer
  }
}
