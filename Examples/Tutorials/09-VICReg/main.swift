// VICReg: views are alike, features vary, and no two of them vary together.
//   swift run -c release TutorialVICReg [STEPS]
import Arguments
import Datasets
import SelfSupervised
import Training

let images = Shapes(count: 10_000, seed: 0).inMemory()
let evaluator = KNNEvaluator(bank: images.first(2_000), queries: Shapes(count: 1_000, seed: 1))
let net = withRandomSeed(0) { ResNet.resNet10(stem: .small, width: 16) }
let views: Compose = [
  RandomResizedCrop(24, scale: 0.4...1), HorizontalFlip().applied(probability: 0.5),
  ColorJitter(brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.5),
  Grayscale().applied(probability: 0.5),
]
let learner = VICReg(
  net, imageSize: 24, hiddenLayer: "avgpool", projectionSize: 512, augmentation: views, seed: 0)

let trainer = Trainer(
  learner, optimizer: AdamW(learner.parameterGroups(weightDecay: 0.01), learningRate: 1e-3),
  loader: DataLoader(images, batchSize: 64, shuffled: true, dropsLast: true),
  stepCount: stepCount(standard: 300))
let steps = trainer.stepCount
trainer.learningRate = CosineDecay(from: 1e-3, over: steps).warmed(over: steps / 10)
// The loss is between 20 and 35 at first, and falls slowly.
trainer.callbacks = [CollapseWatch(), ConsoleLog(everySteps: 50)]

let before = try evaluator.accuracy(of: learner)
try trainer.run()
print("kNN \(before) before, \(try evaluator.accuracy(of: learner)) after")
