// AI Summer's tutorial on SimCLR: large batches in little memory, a linear layer and
// fine-tuning with few labels.
//   swift run -c release Example4SimCLR [STEPS]
import Datasets
import ExampleSupport
import SelfSupervised

let images = Shapes(count: 10_000, seed: 0).inMemory()
let (labelled, test) = (images.first(500), Shapes(count: 1_000, seed: 1))
let judge = Judge(bank: images.first(2_000), queries: test)

func network() -> ResNet {
  withRandomSeed(0) { .resNet10(stem: .small, width: 16, classCount: 10) }
}

let net = network()
let views: Compose = [
  RandomResizedCrop(24, scale: 0.4...1), HorizontalFlip().applied(probability: 0.5),
  ColorJitter(brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.5),
  Grayscale().applied(probability: 0.5),
]
let learner = SimCLR(
  net, imageSize: 24, hiddenLayer: "avgpool", temperature: 0.2, augmentation: views, seed: 0)

// 256 images a step, of which 64 at a time are in the network: every view is told from 510 others.
// Adding up the gradients of four batches of 64 would tell each from 126 only.
let (batchSize, chunkSize) = (256, 64)
let loader = DataLoader(images, batchSize: batchSize, shuffled: true, dropsLast: true)
let steps = stepCount(standard: 150)
let schedule = CosineDecay(from: 2e-3, over: steps).warmed(over: steps / 10)
let optimizer = Adam(learner.parameterGroups(weightDecay: 1e-6), learningRate: 2e-3)

let before = judge.accuracy(of: learner)
for (step, batch) in zip(0..<steps, loader.batches()) {
  optimizer.learningRate = schedule.value(at: step)
  optimizer.zeroGradients()
  let loss = learner.backward(batch.images, chunkSize: chunkSize)
  optimizer.step()
  if step % 25 == 0 || step == steps - 1 {
    print(
      "step \(step + 1): loss \(loss), spread \(learner.statistics.spread), "
        + "\(learner.negativesPerAnchor(imageCount: batchSize)) negatives")
  }
}
print("kNN \(before) before, \(judge.accuracy(of: learner)) after")

// Linear evaluation: one layer on features that stay as they are.
let probe = LinearProbe(
  labelled.features { learner.represent($0).embedding }, labels: labelled.labels)
let linear = probe.accuracy(test.features { learner.represent($0).embedding }, labels: test.labels)
print("500 labels: \(linear) by a linear layer")

/// Trains all of a network with labels; the share of test images that it classifies then.
func fineTuned(_ net: ResNet, on labelled: Subset, test: Shapes, steps: Int) -> Float {
  let optimizer = Adam(net.parameters, learningRate: 1e-3)
  let loader = DataLoader(labelled, batchSize: 50, shuffled: true)
  for (_, batch) in zip(0..<steps, loader.batches()) {
    optimizer.zeroGradients()
    crossEntropy(net(batch.images), batch.labels).backward()
    optimizer.step()
  }
  let logits = net.evaluating { test.features { net($0) } }
  let right = zip(logits.argmax(), test.labels).count(where: { $0 == $1 })
  return Float(right) / Float(test.count)
}
let trained = fineTuned(net, on: labelled, test: test, steps: steps)
let fresh = fineTuned(network(), on: labelled, test: test, steps: steps)
print("500 labels: \(trained) fine-tuned, \(fresh) from scratch")
