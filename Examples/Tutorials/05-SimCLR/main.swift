// AI Summer's tutorial on SimCLR: accumulated gradients and what they lack, a linear layer and
// fine-tuning with few labels.
//   swift run -c release TutorialSimCLR [STEPS [STL10_DIRECTORY]]
import Arguments
import Datasets
import SelfSupervised
import Training

/// Its Hparams. With STL-10 they are the tutorial's; without, shapes are generated and all is
/// smaller.
struct Hyperparameters {
  let imageSize: Size2D  // img_size = 96
  let batchSize: Int  // batch_size = 200
  let accumulation: Int  // gradient_accumulation_steps = 5
  let learningRate: Float  // lr = 3e-4
  let weightDecay: Float = 1e-6
  let embeddingSize = 128
  let temperature: Float  // 0.5, "0.1 or 0.5"
  let steps: Int  // 300 epochs of 100 steps
}
let directory = CommandLine.arguments.dropFirst(2).first
let hyperparameters =
  directory == nil
  ? Hyperparameters(
    imageSize: 24, batchSize: 64, accumulation: 4, learningRate: 2e-3, temperature: 0.2,
    steps: stepCount(standard: 40))
  : Hyperparameters(
    imageSize: 96, batchSize: 200, accumulation: 5, learningRate: 3e-4, temperature: 0.5,
    steps: stepCount(standard: 30_000))

let shapes = Shapes(count: 10_000, seed: 0).inMemory()
let unlabeled: any ImageDataset =
  try directory.map { try STL10.load(.unlabeled, directory: $0) } ?? shapes
let labeled: any ImageDataset =
  try directory.map { try STL10.load(.train, directory: $0) } ?? shapes.first(500)
let test: any ImageDataset =
  try directory.map { try STL10.load(.test, directory: $0) } ?? Shapes(count: 1_000, seed: 1)

/// The tutorial's ResNet-18, or a small network.
func network(isWhole: Bool) -> ResNet {
  withRandomSeed(0) {
    isWhole ? .resNet18(classCount: 10) : .resNet10(stem: .small, width: 16, classCount: 10)
  }
}

/// Augment(img_size), but not normalised, so that the network takes images as they are; shapes want
/// more of the colors.
func augmentation(_ size: Size2D, isWhole: Bool) -> Compose {
  if isWhole { return .aiSummer(imageSize: size, normalization: nil) }
  return [
    RandomResizedCrop(size, scale: 0.4...1), HorizontalFlip().applied(probability: 0.5),
    ColorJitter(brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.5),
    Grayscale().applied(probability: 0.5),
  ]
}

/// SimCLR_pl: the learner, Adam without decay of biases and norms (define_param_groups), a warm-up
/// and a cosine, and a checkpoint from which the training goes on (ModelCheckpoint).
func pretraining(_ net: ResNet, batchSize: Int, to folder: String) throws -> Trainer {
  try makeDirectory(at: folder)
  let size = hyperparameters.imageSize
  // AddProjection: linear, batch norm, ReLU, linear, batch norm behind the pooled features.
  let learner = SimCLR(
    net, imageSize: size, hiddenLayer: "avgpool", projectionSize: hyperparameters.embeddingSize,
    temperature: hyperparameters.temperature,
    augmentation: augmentation(size, isWhole: directory != nil), seed: 0)
  let optimizer = Adam(
    learner.parameterGroups(weightDecay: hyperparameters.weightDecay),
    learningRate: hyperparameters.learningRate)
  let trainer = Trainer(
    learner, optimizer: optimizer,
    loader: DataLoader(unlabeled, batchSize: batchSize, shuffled: true, dropsLast: true),
    stepCount: hyperparameters.steps)
  // LinearWarmupCosineAnnealingLR(warmup_epochs=10, max_epochs=300); here no step is at a rate of
  // zero.
  trainer.learningRate = .warmUpCosine(
    to: hyperparameters.learningRate, warmUp: hyperparameters.steps / 30,
    steps: hyperparameters.steps)
  trainer.callbacks = [
    CollapseWatch(), CheckpointPolicy(in: folder, every: .minutes(10)),
    // The loss ("Contrastive loss"), and how many views each is told from.
    ConsoleLog(everySteps: max(1, hyperparameters.steps / 3)),
  ]
  // resume_from_checkpoint: a training of days goes on where it was stopped.
  if directory != nil, let checkpoint = try CheckpointPolicy.last(in: folder) {
    try trainer.restore(checkpoint)
  }
  return trainer
}

// GradientAccumulationScheduler({0: 5}): the gradients of several batches make a step. That is all
// it does: each view is told from the others of its own small batch.
let accumulatedNet = network(isWhole: directory != nil)
let accumulated = try pretraining(
  accumulatedNet, batchSize: hyperparameters.batchSize, to: "simclr-accumulated")
accumulated.accumulatedBatches = hyperparameters.accumulation
print("\(hyperparameters.accumulation) batches of \(hyperparameters.batchSize), accumulated")
accumulated.stepCount = min(10, hyperparameters.steps)  // enough to see that
try accumulated.run()

// What the tutorial wants it for: a batch as large as all of these, with no more of it in the
// network at once than before. Each view is told from all others of the step.
let net = network(isWhole: directory != nil)
let batchSize = hyperparameters.accumulation * hyperparameters.batchSize
let trainer = try pretraining(net, batchSize: batchSize, to: "simclr")
trainer.chunkSize = hyperparameters.batchSize
print("one batch of \(batchSize), \(hyperparameters.batchSize) at a time in the network")
try trainer.run()

// weights_update(model, checkpoint): the network's weights under torchvision's names.
try net.save(to: "simclr/resnet.safetensors")

// SimCLR_eval(linear_eval=True): a linear layer on features that stay as they are. The tutorial's
// batch norms go on changing beneath it; these do not.
let features = { trainer.learner.represent($0).embedding }
let probe = LinearProbe(labeled.features(by: features), labels: labeled.labels)
let linear = probe.accuracy(test.features(by: features), labels: test.labels)
print("\(labeled.count) labels: \(linear) by a linear layer")

/// SimCLR_eval(linear_eval=False): SGD with momentum on the whole network and a new linear layer.
/// No augmentation, as there.
func fineTuned(_ net: ResNet) throws -> Float {
  let classifier = Classifier(
    net, classCount: 10, imageSize: hyperparameters.imageSize, hiddenLayer: "avgpool", seed: 0)
  let trainer = Trainer(
    classifier,
    optimizer: SGD(
      classifier.parameters, learningRate: directory == nil ? 1e-2 : 1e-3, momentum: 0.9),
    loader: DataLoader(
      labeled, batchSize: min(128, labeled.count / 5), shuffled: true, dropsLast: true),
    stepCount: min(2 * hyperparameters.steps, 4_000))  // 100 epochs of 39 steps
  try trainer.run()
  return classifier.accuracy(on: test)
}
let (tuned, fresh) = (try fineTuned(net), try fineTuned(network(isWhole: directory != nil)))
print("\(labeled.count) labels: \(tuned) fine-tuned, \(fresh) from scratch")
