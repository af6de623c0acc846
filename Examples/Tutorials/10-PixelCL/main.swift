// pixel-level-contrastive-learning's example: features that know what each pixel shows.
//   swift run -c release Example9PixelCL [STEPS]
import Datasets
import ExampleSupport
import SelfSupervised

let scenes = SegmentedShapes(count: 2_000, size: 48, seed: 0).inMemory()
let loader = DataLoader(scenes, batchSize: 10, shuffled: true, dropsLast: true)
let net = withRandomSeed(0) { ResNet.resNet10(stem: .small, width: 16) }

let learner = PixelCL(
  net, imageSize: 48,
  hiddenLayerPixel: "layer4",  // a map of 6x6, whose pixels are learnt
  hiddenLayerInstance: -2,  // whole images as in BYOL
  projectionSize: 256, projectionHiddenSize: 512, movingAverageDecay: 0.99,
  propagationLayerCount: 1, propagationGamma: 2,
  distanceThreshold: 0.7,  // pixels this near show the same place, in diagonals of a cell
  similarityTemperature: 0.3, alpha: 1,  // the loss is alpha · pixels + instances
  usesPixPro: false,  // false: pixels are contrasted; true: they are to agree
  cropExtent: .sides(0.6...0.8), seed: 0)
let optimizer = Adam.pixelCL(learner)

let steps = stepCount(standard: 100)
for (step, batch) in zip(0..<steps, loader.batches()) {
  optimizer.zeroGradients()
  let (loss, positivePairs) = learner.lossAndPairs(batch.images)
  loss.backward()
  optimizer.step()
  learner.updateMovingAverage()
  if step % 10 == 0 || step == steps - 1 {
    let pixels = learner.pixelStatistics
    print(
      "step \(step + 1): loss \(loss.item), \(positivePairs) pairs, agreement \(pixels.agreement), "
        + "spread of pixels \(pixels.spread)")
  }
}
try net.save(to: "pixel-net.safetensors")
print("maps of features: \(learner.representPixels(loader.epoch(0)[0].images).embedding.shape)")
