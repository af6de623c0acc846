// byol-pytorch's README, first part: wrap a network, show it images, keep it.
//   swift run -c release TutorialBYOL [STEPS [WEIGHTS]]
//
// The one tutorial that writes its training loop by hand, and says what each line is for. All
// others leave that to `Trainer`, which is this loop with checkpoints, schedules and evaluations
// around it.
import Arguments
import SelfSupervised

// resnet = models.resnet50(pretrained = True)
//
// With torchvision's file for WEIGHTS, such as resnet50-0676ba61.pth, this is the README's
// training: a whole ResNet-50 and images of 256 pixels, a step of which takes a laptop some ten
// seconds and several GB. Without, it is a quarter as wide, its weights are random and images have
// 64 pixels.
let weights = CommandLine.arguments.dropFirst(2).first
let imageSize = weights == nil ? 64 : 256
let resnet = withRandomSeed(0) { ResNet.resNet50(width: weights == nil ? 16 : 64) }
if let weights { print(try resnet.loadPretrained(from: weights)) }

// Views are the paper's, and each goes through the network on its own. The package's are
// `augmentation: Compose.byolPyTorch(imageSize: 256), viewBatching: .joint`.
let learner = BYOL(
  resnet,
  imageSize: Size2D(imageSize),
  hiddenLayer: "avgpool"  // a name, a number such as -2, or .module(resnet.avgpool)
)

// opt = torch.optim.Adam(learner.parameters(), lr=3e-4)
//
// The learner's parameters: those of the network, and of the projector and the predictor behind it.
let optimizer = Adam(learner.parameters, learningRate: 3e-4)

/// Noise, as in the README, where a program of yours reads images without labels: of shape
/// [count, height, width, channels], and of values 0...1 (torch.randn goes beyond).
func sampleUnlabeledImages(_ count: Int = 20, using stream: inout RandomStream) -> Tensor {
  .uniform([count, imageSize, imageSize, 3], in: 0..<1, using: &stream)
}

var stream = RandomStream(seed: 0)
let steps = stepCount(standard: 30)  // the README's 100
for step in 1...steps {
  let images = sampleUnlabeledImages(using: &stream)
  // Two random views of each image go through the network; each predicts what the target, a slowly
  // moving average of the network, makes of the other. The loss is a scalar in 0...8.
  let loss = learner(images)
  // Gradients add up until they are forgotten: opt.zero_grad().
  optimizer.zeroGradients()
  // Adds the gradient of the loss to each parameter, and frees what the passes have recorded.
  loss.backward()
  // Moves the parameters: opt.step().
  optimizer.step()
  // The target follows by a hundredth. It does so once for each step of the optimizer: without this
  // line it would follow before the next loss.
  learner.updateMovingAverage()
  if step == 1 || step.isMultiple(of: 10) { print("step \(step): loss \(loss.item)") }
}

// torch.save(resnet.state_dict(), './improved-net.pt'): torchvision's names and layouts.
try resnet.save(to: "improved-net.safetensors")

// SimSiam: use_momentum = False. There is no target and nothing to update behind a step. The
// projector is its paper's, of three layers, and the predictor a bottleneck; `SimSiam(…)` makes the
// same.
let simSiam = BYOL(
  resnet, imageSize: Size2D(imageSize), hiddenLayer: "avgpool",
  useMomentum: false  // turn off momentum in the target encoder
)
let simSiamOptimizer = Adam(simSiam.parameters, learningRate: 3e-4)
for step in 1...max(1, steps / 10) {
  // A loss with what belongs to it. One near 0 may be success or collapse; the standard deviation
  // of the projections tells which: 1 healthy, 0 collapsed.
  let loss = simSiam.stepLoss(on: sampleUnlabeledImages(using: &stream))
  simSiamOptimizer.zeroGradients()
  loss.backward()
  simSiamOptimizer.step()
  print(
    "SimSiam, step \(step): loss \(loss.item), projections' std \(loss.statistics.projectionStd)")
}

// projection, embedding = learner(imgs, return_embedding = True)
//
// In evaluation mode, and also of a single image.
let images = sampleUnlabeledImages(2, using: &stream)
let representation = learner.represent(images)
let (projection, embedding) = (representation.projection, representation.embedding)
print("projection \(projection.shape), embedding \(embedding.shape)")
