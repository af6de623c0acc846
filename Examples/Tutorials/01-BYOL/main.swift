// byol-pytorch's example: wrap a residual network, show it images, keep it.
//   swift run -c release Example1BYOL [STEPS]
import Datasets
import ExampleSupport
import SelfSupervised

// ResNet.resNet18() of full width could begin with torchvision's: try net.load(from: "resnet18-f37072fd.pth")
let net = withRandomSeed(0) { ResNet.resNet18(stem: .small, width: 16) }

let learner = BYOL(
  net, imageSize: 32,
  hiddenLayer: "avgpool",  // a name, a number such as -2, or .module(net.avgpool)
  projectionSize: 256, projectionHiddenSize: 1_024, movingAverageDecay: 0.99, seed: 0)

let optimizer = Adam(learner.parameters, learningRate: 3e-4)

/// Images without labels: [count, height, width, channels], values 0...1.
func sampleUnlabelledImages(_ step: Int) -> Tensor {
  Shapes(count: 20_000, size: 32).images(in: step * 20 % 20_000..<step * 20 % 20_000 + 20)
}

let steps = stepCount(standard: 100)
for step in 0..<steps {
  let images = sampleUnlabelledImages(step)
  optimizer.zeroGradients()
  let loss = learner(images)
  loss.backward()
  optimizer.step()
  learner.updateMovingAverage()  // the target follows the network
  if step % 10 == 0 || step == steps - 1 {
    print("step \(step + 1): loss \(loss.item), spread \(learner.statistics.spread)")
  }
}

// The network, better than before, under torchvision's names; and what it makes of images now.
try net.save(to: "improved-net.safetensors")
let representation = learner.represent(sampleUnlabelledImages(0))
print(
  "projections \(representation.projection.shape), embeddings \(representation.embedding.shape)")
