// The smallest whole program: a network of one's own, made better by images without labels.
import Datasets
import SelfSupervised
import Training

final class SmallNet: Module {
  let conv1 = Conv2d(3, 16, kernelSize: 3, stride: 2, padding: 1)
  let norm = BatchNorm(16)
  let conv2 = Conv2d(16, 32, kernelSize: 3, stride: 2, padding: 1)
  let pool = GlobalAveragePool()
  let classifier = Linear(32, 10)

  func forward(_ images: Tensor) -> Tensor {
    let features = relu(conv2(relu(norm(conv1(images)))))
    return classifier(pool(features).flattened(from: 1))
  }
}

let net = SmallNet()
let learner = BYOL(net, imageSize: 32, hiddenLayer: "pool", projectionHiddenSize: 256)

// A real program has images of its own: `ImageFolder.load(directory:imageSize:)` reads pictures.
let images = MockDataset(imageSize: 32, length: 1_000)
let trainer = Trainer(
  learner, optimizer: Adam(learner.parameters, learningRate: 3e-4),
  loader: DataLoader(images, batchSize: 16, shuffled: true, dropsLast: true), stepCount: 5)
for report in trainer.steps() { print(report) }
try trainer.finish()
try net.save(to: "improved-net.safetensors")
