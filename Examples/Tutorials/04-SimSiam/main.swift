// SimSiam: BYOL without a target, trained by its paper's SGD.
//   swift run -c release TutorialSimSiam [STEPS]
import Arguments
import Datasets
import SelfSupervised
import Training

let training = try FashionMNIST.load(.train)
let evaluator = KNNEvaluator(
  bank: training.first(2_000), queries: try FashionMNIST.load(.test).first(1_000))
let net = withRandomSeed(0) { ResNet.resNet10(stem: .small, width: 16, inputChannels: 1) }
let views: Compose = [
  RandomResizedCrop(28, scale: 0.3...1), HorizontalFlip().applied(probability: 0.5),
  ColorJitter(brightness: 0.6, contrast: 0.6).applied(probability: 0.8),
]
// The projector has three layers and ends with batch norm; the predictor is a bottleneck.
let learner = SimSiam(
  net, imageSize: 28, hiddenLayer: "avgpool", projectionSize: 256, projectionHiddenSize: 256,
  predictorHiddenSize: 64, augmentation: views, seed: 0)

// The schedule acts on the network and the projector; the predictor keeps its rate.
let optimizer = SGD.simSiam(learner, batchSize: 64, base: 0.8, weightDecay: 1.25e-4)
let trainer = Trainer(
  learner, optimizer: optimizer,
  loader: DataLoader(training, batchSize: 64, shuffled: true, dropsLast: true),
  stepCount: stepCount(standard: 250))
trainer.learningRate = CosineDecay(from: optimizer.learningRate, over: trainer.stepCount)
// A loss near 0 may be success or collapse; the deviation of the projections, 1 healthy and 0
// collapsed, tells which.
trainer.callbacks = [CollapseWatch(), ConsoleLog(everySteps: 50)]

let before = try evaluator.accuracy(of: learner)
try trainer.run()
print("kNN \(before) before, \(try evaluator.accuracy(of: learner)) after")
