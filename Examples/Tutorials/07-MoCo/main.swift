// MoCo v2: few images a step, and a queue of keys for many negatives.
//   swift run -c release TutorialMoCo [STEPS]
import Arguments
import Datasets
import SelfSupervised
import Training

let images = Shapes(count: 10_000, seed: 0).inMemory()
let evaluator = KNNEvaluator(bank: images.first(2_000), queries: Shapes(count: 1_000, seed: 1))
let net = withRandomSeed(0) { ResNet.resNet10(stem: .small, width: 16) }
let views: Compose = [
  RandomResizedCrop(24, scale: 0.4...1), HorizontalFlip().applied(probability: 0.5),
  ColorJitter(brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.5),
  Grayscale().applied(probability: 0.5),
]
// A queue below the number of images; a target that follows fast, for the run is short.
let learner = MoCo(
  net, imageSize: 24, hiddenLayer: "avgpool", queueSize: 2_048, movingAverageDecay: 0.99,
  isSymmetric: true, augmentation: views, seed: 0)

let trainer = Trainer(
  learner,
  optimizer: SGD(
    learner.parameterGroups(weightDecay: 1e-4), learningRate: 0.1, momentum: 0.9),
  loader: DataLoader(images, batchSize: 64, shuffled: true, dropsLast: true),
  stepCount: stepCount(standard: 300))
trainer.learningRate = CosineDecay(from: 0.1, over: trainer.stepCount)
// The loss rises while the queue fills: to tell a key from more of them is harder.
trainer.callbacks = [CollapseWatch(), ConsoleLog(everySteps: 50)]

let before = try evaluator.accuracy(of: learner)
try trainer.run()
print("\(learner.parts.queue.count) keys of earlier steps are negatives by now")
print("kNN \(before) before, \(try evaluator.accuracy(of: learner)) after")
