// VICReg: views are alike, features vary, and no two of them vary together.
//   swift run -c release Example8VICReg [STEPS]
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
let learner = VICReg(
  net, imageSize: 24, hiddenLayer: "avgpool", projectionSize: 512, augmentation: views, seed: 0)
let steps = stepCount(standard: 300)
let optimizer = AdamW(learner.parameterGroups(weightDecay: 0.01), learningRate: 1e-3)
let schedule = CosineDecay(from: 1e-3, over: steps).warmed(over: steps / 10)

let before = judge.accuracy(of: learner)
for (step, batch) in zip(0..<steps, loader.batches()) {
  optimizer.learningRate = schedule.value(at: step)
  optimizer.zeroGradients()
  let loss = learner(batch.images)  // between 20 and 35 at first, falling slowly
  loss.backward()
  optimizer.step()
  if step % 50 == 0 || step == steps - 1 {
    print("step \(step + 1): loss \(loss.item), spread \(learner.statistics.spread)")
  }
}
print("kNN \(before) before, \(judge.accuracy(of: learner)) after")
