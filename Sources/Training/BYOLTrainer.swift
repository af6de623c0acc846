import Datasets
import Nets
import SelfSupervised
import Tensor

/// byol-pytorch's name for a trainer.
public typealias BYOLTrainer = Trainer

extension Trainer {
  /// BYOL with Adam around a network, as byol-pytorch's `BYOLTrainer` sets it up.
  ///
  /// ```swift
  /// let trainer = try BYOLTrainer(
  ///   net, dataset: MockDataset(imageSize: 256), imageSize: 256, hiddenLayer: "avgpool",
  ///   learningRate: 3e-4, stepCount: 100_000, batchSize: 16, checkpointEvery: 1_000)
  /// try trainer.run()
  /// ```
  ///
  /// Unlike there, the last checkpoint takes the place of the one before, and the training can go
  /// on from it.
  ///
  /// - Parameters:
  ///   - net: The network to improve.
  ///   - dataset: Images without labels.
  ///   - imageSize: The size of the views.
  ///   - hiddenLayer: The layer whose output is the representation.
  ///   - learningRate: Adam's step size.
  ///   - stepCount: How many steps the training has.
  ///   - batchSize: How many images a step has.
  ///   - checkpointEvery: After how many steps each a checkpoint is written.
  ///   - checkpointFolder: Where it is written; the folder is made.
  ///   - seed: Where views, heads and the order of images come from.
  /// - Throws: `FileError` if the folder cannot be made.
  public convenience init(
    _ net: any Module, dataset: any ImageDataset, imageSize: any Size2DConvertible,
    hiddenLayer: HiddenLayer = -2,
    learningRate: Float = 3e-4, stepCount: Int = 100_000, batchSize: Int = 16,
    checkpointEvery: Int = 1_000, checkpointFolder: String = "./checkpoints", seed: UInt64 = 0
  ) throws {
    try makeDirectory(at: checkpointFolder)
    let learner = BYOL(net, imageSize: imageSize, hiddenLayer: hiddenLayer, seed: seed)
    self.init(
      learner, optimizer: Adam(learner.parameters, learningRate: learningRate),
      loader: DataLoader(
        dataset, batchSize: batchSize, shuffled: true, dropsLast: true, seed: seed),
      stepCount: stepCount)
    callbacks = [
      CollapseWatch(), CheckpointPolicy(in: checkpointFolder, every: .steps(checkpointEvery)),
    ]
  }
}
