// The Keras example of NNCLR: neighbors for positives, a probe that learns beside them, and
// fine-tuning.
//   swift run -c release TutorialNNCLR [STEPS [STL10_DIRECTORY]]
import Arguments
import Datasets
import SelfSupervised
import Training

// Hyperparameters. With STL-10 they are the example's. Without, Fashion-MNIST takes its place and
// all is smaller: three convolutions for images of 28 pixels, and gentler augmenters, for clothes
// are grey.
let directory = CommandLine.arguments.dropFirst(2).first
let isOriginal = directory != nil
let temperature: Float = 0.1
let queueSize = isOriginal ? 10_000 : 1_000  // "a larger queue is better"
let (inputSize, channels) = isOriginal ? (96, 3) : (28, 1)
let width = isOriginal ? 128 : 64
let epochCount = 5  // 25 for better results
let steps = stepCount(standard: isOriginal ? 5 * 50 : 5 * 100)
let stepsPerEpoch = max(1, steps / epochCount)  // 50, and 200 for better results

// prepare_dataset(): 100,000 images without labels and 5,000 with them, of which a step has as many
// as make an epoch of its steps: 2,000 and 100.
let labeledCount = min(5_000, 20 * stepsPerEpoch)
let unlabeled: any ImageDataset =
  try directory.map { try STL10.load(.unlabeled, directory: $0) }
  ?? FashionMNIST.load(.train).split(at: labeledCount).1.first(min(40_000, 100 * stepsPerEpoch))
let labeled: any ImageDataset =
  try directory.map { try STL10.load(.train, directory: $0) }
  ?? FashionMNIST.load(.train).first(labeledCount)
let test: any ImageDataset =
  try directory.map { try STL10.load(.test, directory: $0) }
  ?? FashionMNIST.load(.test).first(2_000)
let labeledBatchSize = labeled.count / stepsPerEpoch

/// Both kinds of images, shuffled together: as many of each in a step as there, on average.
struct AllImages: ImageDataset {
  let unlabeled: any ImageDataset
  let labeled: any ImageDataset

  var count: Int { unlabeled.count + labeled.count }
  var imageShape: TensorShape { unlabeled.imageShape }
  var labels: [Int] { [] }
  var classNames: [String] { [] }

  func images(at indices: [Int]) -> Tensor {
    concatenated(
      indices.map { index in
        index < unlabeled.count
          ? unlabeled.images(at: [index]) : labeled.images(at: [index - unlabeled.count])
      })
  }
}
let trainImages = AllImages(unlabeled: unlabeled, labeled: labeled)

// contrastive_augmenter and classification_augmenter: a flip, a crop and a shift of brightness.
let contrastiveAugmenter = Compose.nnclr(
  imageSize: Size2D(inputSize), brightness: isOriginal ? 0.5 : 0.3,
  scale: isOriginal ? 0.2...1 : 0.3...1)
let classificationAugmenter = Compose.nnclr(
  imageSize: Size2D(inputSize), brightness: 0.2, scale: 0.5...1)

/// encoder(): convolutions of stride 2, four of them for images of 96 pixels, and a dense layer.
final class Encoder: Module {
  let convolutions: Sequential
  let dense: Linear

  init(_ inputSize: Int, _ channels: Int, width: Int) {
    let layers = inputSize >= 96 ? 4 : 3
    let side = (0..<layers).reduce(inputSize) { side, _ in (side - 3) / 2 + 1 }
    convolutions = Sequential(
      (0..<layers).flatMap { layer -> [any Module] in
        [Conv2d(layer == 0 ? channels : width, width, kernelSize: 3, stride: 2), ReLU()]
      })
    dense = Linear(side * side * width, width)
  }

  func forward(_ images: Tensor) -> Tensor { relu(dense(convolutions(images).flattened(from: 1))) }
}
let encoder = withRandomSeed(0) { Encoder(inputSize, channels, width: width) }

// class NNCLR: the projection head is dense, ReLU, dense, all of the encoder's width; the queue
// begins with random directions. The example differentiates the sum over the batch where this is
// the mean: to Adam both are the same.
let model = NNCLR(
  encoder, imageSize: Size2D(inputSize),
  hiddenLayer: -1,  // the encoder's own output
  variant: .keras, projectionSize: width, projectionHiddenSize: width, queueSize: queueSize,
  startsRandom: true, temperature: temperature, augmentation: contrastiveAugmenter, seed: 0)

/// linear_probe: a dense layer that learns classes beside the training, from features through which
/// its gradient does not flow. That is the second half of train_step(), and test_step().
struct OnlineProbe: TrainingCallback {
  let probe = withRandomSeed(1) { Linear(width, 10) }
  let optimizer: Adam
  var batches: DataLoader.Batches
  var stream = RandomStream(seed: 2)

  init(_ loader: DataLoader) {
    batches = loader.batches()
    optimizer = Adam(probe.parameters)
  }

  /// p_loss and p_acc.
  func metrics(of logits: Tensor, _ labels: [Int], _ loss: Tensor) -> Metrics {
    let right = zip(logits.argmax(), labels).count(where: { $0 == $1 })
    return ["p_loss": loss.item, "p_acc": Float(right) / Float(labels.count)]
  }

  mutating func callAsFunction(
    after report: StepReport, in trainer: Trainer
  ) -> [TrainingEvent] {
    let batch = batches.nextBatch()
    let views = views(of: batch.images, by: classificationAugmenter, using: stream.split())
    let logits = probe(trainer.learner.represent(views).embedding)
    let loss = crossEntropy(logits, batch.labels)
    optimizer.zeroGradients()
    loss.backward()
    optimizer.step()
    return [.evaluation(metrics(of: logits, batch.labels, loss))]
  }

  /// The same two of the test images, without a step.
  func test(_ learner: any Learner, on dataset: any ImageDataset) -> Metrics {
    let logits = dataset.features { probe(learner.represent($0).embedding) }
    return metrics(of: logits, dataset.labels, crossEntropy(logits, dataset.labels))
  }
}

// model.compile(contrastive_optimizer=Adam(), probe_optimizer=Adam())
let loader = DataLoader(
  trainImages, batchSize: trainImages.count / stepsPerEpoch, shuffled: true, dropsLast: true)
let trainer = Trainer(
  model, optimizer: Adam(model.parameters), loader: loader, stepCount: steps)
let probe = OnlineProbe(
  DataLoader(labeled, batchSize: labeledBatchSize, shuffled: true, dropsLast: true, seed: 1))
trainer.callbacks = [CollapseWatch(), probe]

// model.fit(train_dataset, epochs=num_epochs, validation_data=test_dataset): the means of an epoch.
var sums = [Float](repeating: 0, count: 5)
try trainer.run { report in
  let values = [
    report.loss, report.metrics["contrastive_accuracy"], report.metrics["correlation_accuracy"],
    report.evaluated("p_loss"), report.evaluated("p_acc"),
  ]
  sums = zip(sums, values).map { $0 + ($1 ?? .nan) }
  for case .warning(let warning) in report.events { print(warning) }
  guard report.endsEpoch else { return }
  let means = sums.map { $0 / Float(loader.batchCount) }
  let metrics: Metrics = [
    "c_loss": means[0], "c_acc": means[1], "r_acc": means[2], "p_loss": means[3],
    "p_acc": means[4],
  ]
  print("epoch \(report.epoch + 1): \(metrics); of the test images \(probe.test(model, on: test))")
  sums = sums.map { _ in 0 }
}

// finetuning_model: the encoder and a new dense layer learn classes from the labeled images.
let classifier = Classifier(
  encoder, classCount: 10, imageSize: Size2D(inputSize), hiddenLayer: -1,
  augmentation: classificationAugmenter, seed: 0)
let finetuning = Trainer(
  classifier, optimizer: Adam(classifier.parameters),
  loader: DataLoader(labeled, batchSize: labeledBatchSize, shuffled: true, dropsLast: true),
  stepCount: steps)
try finetuning.run()
print("fine-tuned: accuracy \(classifier.accuracy(on: test)) of the test images")
