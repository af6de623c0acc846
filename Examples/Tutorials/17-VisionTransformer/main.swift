// A vision transformer learns from pictures without labels: a new one, or one with weights of others.
//   swift run -c release TutorialVisionTransformer [STEPS [WEIGHTS]]
import Arguments
import Datasets
import SelfSupervised
import Training

let weights = CommandLine.arguments.dropFirst(2).first
let net = try withRandomSeed(0) {
  // The file says which network it is of; timm, DINO, DINOv2, MAE, torchvision, Hugging Face wrote it.
  try weights.map { try VisionTransformer(contentsOf: $0) }
    ?? VisionTransformer.Architecture(patchSize: 4, width: 96, depth: 4, headCount: 3, grid: 8)()
}
print(net.architecture)
if weights != nil {
  // Weights of others are for normalized images. Views are not: their colors change first.
  net.absorbNormalization(
    mean: Normalize.imageNet.mean, standardDeviation: Normalize.imageNet.standardDeviation)
}

// Any size that patches fill: the position embeddings are resized.
let imageSize = Size2D(8 * net.architecture.patchSize)
let shapes = Shapes(count: 2_000, size: imageSize.height, seed: 0)
let learner = SimCLR(
  net, imageSize: imageSize, hiddenLayer: "pool", temperature: 0.2,
  augmentation: Compose([
    RandomResizedCrop(imageSize, scale: 0.4...1), HorizontalFlip().applied(probability: 0.5),
    ColorJitter(brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.5),
    Grayscale().applied(probability: 0.5),
  ]), seed: 0)

// Transformers want Adam with decoupled decay, a warm-up, and a lower rate where weights are given.
let steps = stepCount(standard: 40)
let rate: Float = weights == nil ? 1e-3 : 5e-5
let trainer = Trainer(
  learner,
  optimizer: AdamW(learner.parameterGroups(weightDecay: 0.05), learningRate: rate),
  loader: DataLoader(shapes, batchSize: 64, shuffled: true, dropsLast: true), stepCount: steps)
trainer.learningRate = .warmUpCosine(to: rate, warmUp: steps / 10, steps: steps)
trainer.callbacks = [CollapseWatch(), ConsoleLog(everySteps: max(1, steps / 4))]

let judge = KNNEvaluator(
  bank: shapes.first(1_000), queries: Shapes(count: 500, size: imageSize.height, seed: 1),
  size: imageSize)
let before = try judge.accuracy(of: learner)
try trainer.run()
print("neighbors vote right: \(before) before, \(try judge.accuracy(of: learner)) after")
try net.save(to: "vision-transformer.safetensors")  // timm's names and layouts
