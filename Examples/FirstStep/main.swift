// The smallest whole program: a network of one's own, made better by images without labels.
import SelfSupervised

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
let optimizer = Adam(learner.parameters, learningRate: 3e-4)
var stream = RandomStream(seed: 0)

for step in 1...5 {
  // A real program takes these from its files: [count, height, width, channels], values 0...1.
  let images = Tensor.uniform([16, 32, 32, 3], using: &stream)
  optimizer.zeroGradients()
  let loss = learner(images)
  loss.backward()
  optimizer.step()
  learner.updateMovingAverage()
  print("step \(step): loss \(loss.item), spread \(learner.statistics.spread)")
}
try net.save(to: "improved-net.safetensors")
