// The Keras example of NNCLR: neighbours for positives, and a probe that learns beside them.
//   swift run -c release Example5NNCLR [STEPS]
import Datasets
import ExampleSupport
import SelfSupervised

/// The example's encoder, convolutions of stride 2 and a dense layer, for images of 28x28.
final class ConvolutionalEncoder: Module {
  let convolutions = Sequential {
    Conv2d(1, 64, kernelSize: 3, stride: 2)
    ReLU()
    Conv2d(64, 64, kernelSize: 3, stride: 2)
    ReLU()
    Conv2d(64, 64, kernelSize: 3, stride: 2)
    ReLU()
  }
  let dense = Linear(2 * 2 * 64, 128)

  func forward(_ images: Tensor) -> Tensor { relu(dense(convolutions(images).flattened(from: 1))) }
}

let unlabelled = try FashionMNIST.load(.train)
let labelled = unlabelled.first(5_000)
let judge = Judge(bank: labelled, queries: try FashionMNIST.load(.test).first(1_000))
let net = withRandomSeed(0) { ConvolutionalEncoder() }

// Without `augmentation` the views would be the example's, Compose.nnclr(imageSize: 28), which are for
// photographs: crops of a fifth of the image and on.
let augmentation: Compose = [
  RandomResizedCrop(28, scale: 0.3...1), HorizontalFlip().applied(probability: 0.5),
  ColorJitter(brightness: 0.6, contrast: 0.6).applied(probability: 0.8),
]
let learner = NNCLR(
  net, imageSize: 28, hiddenLayer: -1,  // the network's own output
  variant: .keras, queueSize: 2_000, temperature: 0.1, augmentation: augmentation, seed: 0)
let optimizer = Adam.nnclr(learner)

// The probe: a linear layer with an optimizer of its own, which the network never hears of.
let probe = withRandomSeed(1) { Linear(128, 10) }
let probeOptimizer = Adam(probe.parameters)
let probeViews = Compose.nnclrClassification(imageSize: 28)
var stream = RandomStream(seed: 2)

let unlabelledLoader = DataLoader(unlabelled, batchSize: 128, shuffled: true, dropsLast: true)
let labelledLoader = DataLoader(labelled, batchSize: 32, shuffled: true, dropsLast: true, seed: 1)
let before = judge.accuracy(of: learner)
let steps = stepCount(standard: 400)
let batches = zip(unlabelledLoader.batches(), labelledLoader.batches())
for (step, (unlabelledBatch, batch)) in zip(0..<steps, batches) {
  optimizer.zeroGradients()
  let loss = learner(unlabelledBatch.images)
  loss.backward()
  optimizer.step()

  let classified = views(of: batch.images, by: probeViews, using: stream.split())
  probeOptimizer.zeroGradients()
  let logits = probe(learner.represent(classified).embedding)
  crossEntropy(logits, batch.labels).backward()
  probeOptimizer.step()
  if step % 50 == 0 || step == steps - 1 {
    let right = zip(logits.argmax(), batch.labels).count(where: { $0 == $1 })
    let matches = learner.matches
    print(
      "step \(step + 1): loss \(loss.item), contrastive accuracy \(matches.contrastiveAccuracy), "
        + "correlation accuracy \(matches.correlationAccuracy), probe \(Float(right) / 32)")
  }
}
print("kNN \(before) before, \(judge.accuracy(of: learner)) after")
