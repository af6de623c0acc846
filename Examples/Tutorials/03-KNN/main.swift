// AI Summer's tutorial on BYOL: train on small images and ask the neighbours now and then.
//   swift run -c release Example2NeighbourJudge [STEPS]
import Datasets
import ExampleSupport
import SelfSupervised

let training = try FashionMNIST.load(.train)
let test = try FashionMNIST.load(.test)
let judge = Judge(bank: training.first(5_000), queries: test.first(1_000))

// The tutorial's network: a 3x3 stem without max-pool, of fewer channels here.
let net = withRandomSeed(0) { ResNet.resNet10(stem: .small, width: 16, inputChannels: 1) }
let views: Compose = [
  RandomResizedCrop(28, scale: 0.3...1), HorizontalFlip().applied(probability: 0.5),
  ColorJitter(brightness: 0.6, contrast: 0.6).applied(probability: 0.8),
]
let learner = BYOL(
  net, imageSize: 28, hiddenLayer: "avgpool", projectionSize: 128, projectionHiddenSize: 1_024,
  augmentation: views, seed: 0)
let optimizer = Adam(learner.parameters, learningRate: 1e-3)
let loader = DataLoader(training, batchSize: 64, shuffled: true, dropsLast: true)

let steps = stepCount(standard: 400)
print("raw pixels: kNN \(judge.accuracyOfPixels())")
for (step, batch) in zip(0...steps, loader.batches()) {
  if step % max(1, steps / 4) == 0 {
    // The tutorial's number is another: one neighbour, in folds of the test images alone.
    let embeddings = learner.represent(test.images(in: 0..<1_000)).embedding
    let folds = crossValidatedKNN(embeddings, labels: Array(test.labels[..<1_000]))
    print(
      "step \(step): kNN \(judge.accuracy(of: learner)), the tutorial's kNN \(folds), "
        + "spread of the last batch \(learner.statistics.spread)")
  }
  optimizer.zeroGradients()
  let loss = learner(batch.images)
  loss.backward()
  optimizer.step()
  learner.updateMovingAverage()
}
