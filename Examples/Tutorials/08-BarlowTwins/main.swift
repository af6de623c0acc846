// Barlow Twins: each feature agrees with itself in the other view, and with no other.
//   swift run -c release Example7BarlowTwins [STEPS]
import Datasets
import ExampleSupport
import SelfSupervised

let images = Shapes(count: 10_000, seed: 0).inMemory()
let judge = Judge(bank: images.first(2_000), queries: Shapes(count: 1_000, seed: 1))
let loader = DataLoader(images, batchSize: 128, shuffled: true, dropsLast: true)

let net = withRandomSeed(0) { ResNet.resNet10(stem: .small, width: 16) }
let views: Compose = [
  RandomResizedCrop(24, scale: 0.4...1), HorizontalFlip().applied(probability: 0.5),
  ColorJitter(brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.5),
  Grayscale().applied(probability: 0.5),
]
let learner = BarlowTwins(
  net, imageSize: 24, hiddenLayer: "avgpool", projectionSize: 128, augmentation: views, seed: 0)
let steps = stepCount(standard: 300)
let optimizer = Adam(learner.parameters, learningRate: 2e-3)
let schedule = CosineDecay(from: 2e-3, over: steps).warmed(over: steps / 10)

let before = judge.accuracy(of: learner)
for (step, batch) in zip(0..<steps, loader.batches()) {
  optimizer.learningRate = schedule.value(at: step)
  optimizer.zeroGradients()
  let loss = learner(batch.images)  // of 128 features: near 128 at first, and falling
  loss.backward()
  optimizer.step()
  if step % 50 == 0 || step == steps - 1 {
    print("step \(step + 1): loss \(loss.item), spread \(learner.statistics.spread)")
  }
}
print("kNN \(before) before, \(judge.accuracy(of: learner)) after")
