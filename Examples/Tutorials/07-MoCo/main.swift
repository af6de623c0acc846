// MoCo v2: few images a step, and a queue of keys for many negatives.
//   swift run -c release Example6MoCo [STEPS]
import Datasets
import ExampleSupport
import SelfSupervised

let images = Shapes(count: 10_000, seed: 0).inMemory()
let judge = Judge(bank: images.first(2_000), queries: Shapes(count: 1_000, seed: 1))
let loader = DataLoader(images, batchSize: 64, shuffled: true, dropsLast: true)

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
let steps = stepCount(standard: 300)
let optimizer = SGD(
  learner.parameterGroups(weightDecay: 1e-4), learningRate: 0.1, momentum: 0.9)
let schedule = CosineDecay(from: 0.1, over: steps)

let before = judge.accuracy(of: learner)
for (step, batch) in zip(0..<steps, loader.batches()) {
  optimizer.learningRate = schedule.value(at: step)
  optimizer.zeroGradients()
  let loss = learner(batch.images)
  loss.backward()
  optimizer.step()
  learner.updateMovingAverage()  // the target follows, and the step's keys enter the queue
  if step % 50 == 0 || step == steps - 1 {
    print(
      "step \(step + 1): loss \(loss.item), spread \(learner.statistics.spread), "
        + "\(learner.queue.rows.shape[0]) keys")
  }
}
print("kNN \(before) before, \(judge.accuracy(of: learner)) after")
