// PixPro as its authors train it: pixels alone, BYOL's colors, LARS.
//   swift run -c release TutorialPixPro [STEPS]
import Arguments
import Datasets
import SelfSupervised
import Training

let scenes = SegmentedShapes(count: 2_000, size: 32, shapeKinds: 5).inMemory()
let net = withRandomSeed(0) { ResNet.resNet10(stem: .small, width: 16) }
let steps = stepCount(standard: 100)
let learner = PixelCL(
  net, imageSize: 32, hiddenLayerPixel: "layer3", hiddenLayer: "avgpool", projectionSize: 128,
  projectionHiddenSize: 512, movingAverageDecay: .cosine(from: 0.99, steps: steps),
  instanceWeight: 0, cropExtent: .area(0.3...1), flipProbability: 0.5,
  augmentation: Compose.pixProFirst(imageSize: 32, normalization: nil),
  secondAugmentation: Compose.pixProSecond(imageSize: 32, normalization: nil), seed: 0)

let optimizer = LARS.pixPro(learner, batchSize: 32)
let trainer = Trainer(
  learner, optimizer: optimizer,
  loader: DataLoader(scenes, batchSize: 32, shuffled: true, dropsLast: true), stepCount: steps)
trainer.learningRate = .warmUpCosine(to: 1, warmUp: steps / 10, steps: steps)
// Pixels have no negatives: agreement near 1 with a `pixel_spread` near 0 is a collapse.
trainer.callbacks = [CollapseWatch(), ConsoleLog(everySteps: 50)]
try trainer.run()

// What a linear layer on each pixel's features says it shows: the background, or one of five
// shapes.
let known = SegmentedShapes(count: 200, size: 32, shapeKinds: 5, seed: 1)
let test = SegmentedShapes(count: 100, size: 32, shapeKinds: 5, seed: 2)
func maps(_ scenes: SegmentedShapes, _ net: ResNet) -> Tensor {
  featureMaps(of: scenes.images(in: 0..<scenes.count), at: "layer3", in: net)
}
let probe = PixelProbe(
  maps(known, net), labels: known.labelMaps(at: Array(0..<known.count)), size: 32, classCount: 6,
  epochs: 15)
let overlap = IntersectionOverUnion(
  of: probe.predict(maps(test, net)), labels: test.labelMaps(at: Array(0..<test.count)),
  classCount: 6)
print("mean intersection over union \(overlap.mean)")
