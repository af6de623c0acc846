// SimSiam: BYOL without a target, trained by its paper's SGD.
//   swift run -c release Example3SimSiam [STEPS]
import Datasets
import ExampleSupport
import SelfSupervised

let training = try FashionMNIST.load(.train)
let judge = Judge(bank: training.first(5_000), queries: try FashionMNIST.load(.test).first(1_000))
let loader = DataLoader(training, batchSize: 64, shuffled: true, dropsLast: true)

let net = withRandomSeed(0) { ResNet.resNet10(stem: .small, width: 16, inputChannels: 1) }
let views: Compose = [
  RandomResizedCrop(28, scale: 0.3...1), HorizontalFlip().applied(probability: 0.5),
  ColorJitter(brightness: 0.6, contrast: 0.6).applied(probability: 0.8),
]
// The projector has three layers and ends with batch norm; the predictor is a bottleneck.
let learner = BYOL(
  net, imageSize: 28, hiddenLayer: "avgpool", projectionSize: 256, projectionHiddenSize: 256,
  predictorHiddenSize: 64, useMomentum: false, augmentation: views, seed: 0)

// The schedule acts on the network and the projector; the predictor keeps its rate.
let optimizer = SGD.simSiam(learner, batchSize: 64, base: 0.8, weightDecay: 1.25e-4)
let steps = stepCount(standard: 400)
let schedule = CosineDecay(from: optimizer.learningRate, over: steps)

let before = judge.accuracy(of: learner)
var watch = CollapseWatch()
for (step, batch) in zip(0..<steps, loader.batches()) {
  optimizer.learningRate = schedule.value(at: step)
  optimizer.zeroGradients()
  let loss = learner(batch.images)
  loss.backward()
  optimizer.step()
  if step % 50 == 0 || step == steps - 1 {
    print("step \(step + 1): loss \(loss.item), spread \(learner.statistics.spread)")
  }
  // A loss near 0 may be success or collapse; the spread of the projections tells which.
  if let warning = watch.warning(learner, optimizer: optimizer, batchSize: 64) { print(warning) }
}
print("kNN \(before) before, \(judge.accuracy(of: learner)) after")
