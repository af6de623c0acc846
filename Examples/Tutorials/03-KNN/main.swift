// AI Summer's tutorial on BYOL: train on small images, and ask the nearest neighbors now and then.
//   swift run -c release TutorialKNN [STEPS [CIFAR10_DIRECTORY]]
import Arguments
import Datasets
import SelfSupervised
import Training

// The tutorial has CIFAR-10, and its network 64 channels; Fashion-MNIST is one apt-get away, and a
// quarter of the channels is enough for it.
let directory = CommandLine.arguments.dropFirst(2).first
let (training, test) =
  try directory.map {
    (try CIFAR10.load(.train, directory: $0), try CIFAR10.load(.test, directory: $0))
  } ?? (FashionMNIST.load(.train), FashionMNIST.load(.test))
let shape = training.imageShape
let imageSize = Size2D(shape[0])

// AddProjHead: a 3x3 conv1 without max-pool, the classifier not used, a projector with batch norm.
let net = withRandomSeed(0) {
  directory == nil
    ? ResNet.resNet10(stem: .small, width: 16, inputChannels: shape[2])
    : ResNet.resNet18(stem: .small)
}
// Augment(img_size), but not normalised, so that the network takes images as they are; clothes want
// crops that leave more of them.
let clothes: Compose = [
  RandomResizedCrop(imageSize, scale: 0.3...1), HorizontalFlip().applied(probability: 0.5),
  ColorJitter(brightness: 0.6, contrast: 0.6).applied(probability: 0.8),
]
// Its loss compares each view with the target of the same view; this one crosses them, as the
// paper.
let learner = BYOL(
  net, imageSize: imageSize, hiddenLayer: "avgpool", projectionSize: 256,
  projectionHiddenSize: 2_048, movingAverageDecay: 0.99,
  augmentation: directory == nil ? clothes : .aiSummer(imageSize: imageSize, normalization: nil),
  seed: 0)

// train_one_epoch, again and again: Adam, the target behind each step. Batches of 256 there.
let steps = stepCount(standard: 200)
let trainer = Trainer(
  learner, optimizer: Adam(learner.parameters, learningRate: directory == nil ? 1e-3 : 3e-4),
  loader: DataLoader(
    training, batchSize: directory == nil ? 64 : 256, shuffled: true, dropsLast: true),
  stepCount: steps)

// KNN(model, k=1): the tutorial's number is a cross-validation inside the test images, by one
// neighbor. The field's has the training images for its bank, and twenty neighbors vote; here those
// of a part.
let evaluator = KNNEvaluator(bank: training.first(2_000), queries: test.first(1_000))
func accuracies(_ learner: any Learner) throws -> Metrics {
  let embeddings = learner.represent(test.images(in: 0..<1_000)).embedding
  return [
    "knn": try evaluator.accuracy(of: learner),
    "knn_of_the_tutorial": crossValidatedKNN(
      embeddings, labels: Array(test.labels[..<1_000]), k: 1),
  ]
}
// Every four epochs there. Compare with raw pixels and the untrained network, not with chance.
let interval = max(1, steps / 2)
trainer.callbacks = [
  CollapseWatch(), Evaluation(every: .steps(interval), accuracies),
  ConsoleLog(everySteps: interval),
]
print("raw pixels: knn \(try evaluator.accuracyOfPixels())")
print("untrained: \(try accuracies(learner))")
try trainer.run()
