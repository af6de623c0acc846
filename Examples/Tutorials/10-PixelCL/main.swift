// pixel-level-contrastive-learning's README: features that know what each pixel shows.
//   swift run -c release TutorialPixelCL [STEPS [WEIGHTS]]
import Arguments
import Datasets
import SelfSupervised
import Training

// With torchvision's file for WEIGHTS a whole ResNet-50 and images of 256 pixels, as there.
// Without, a narrow one whose stem keeps the size of images of 64: layer4 gives a map of 8x8 in
// both.
let weights = CommandLine.arguments.dropFirst(2).first
let imageSize = weights == nil ? 64 : 256
let resnet = withRandomSeed(0) {
  weights == nil ? ResNet.resNet50(stem: .small, width: 8) : .resNet50()
}
if let weights { print(try resnet.loadPretrained(from: weights)) }

let learner = PixelCL(
  resnet,
  imageSize: Size2D(imageSize),
  hiddenLayerPixel: "layer4",  // the map whose pixels are learned
  hiddenLayer: -2,  // hidden_layer_instance: whole images, as in BYOL
  projectionSize: 256,
  projectionHiddenSize: weights == nil ? 512 : 2_048,
  movingAverageDecay: 0.99,
  propagationLayerCount: 1,  // ppm_num_layers: 0 the identity, 1 a 1x1 convolution, 2 two of them
  propagationGamma: 2,  // ppm_gamma: how sharply likeness counts
  distanceThreshold: 0.7,  // distance_thres: pixels nearer than this show the same place
  temperature: 0.3,  // similarity_temperature, for pixel contrast alone
  alpha: 1,  // the loss is alpha · pixels + instances
  usesPixPro: true,  // use_pixpro: false for pixel contrast
  cropExtent: .sides(0.6...0.8)  // cutout_ratio_range: the sides of a crop
)

// opt = torch.optim.Adam(learner.parameters(), lr=1e-4)
let optimizer = Adam(learner.parameters, learningRate: 1e-4)

// sample_batch_images(): ten images. Noise there; here scenes of shapes, from which there is
// something to learn.
let scenes = SegmentedShapes(count: 1_000, size: imageSize)
let loader = DataLoader(scenes, batchSize: 10, shuffled: true, dropsLast: true)

// for _ in range(100000): loss, zero_grad, backward, step, update_moving_average. If no crops of a
// batch overlap, the loss is the instances' alone.
let trainer = Trainer(
  learner, optimizer: optimizer, loader: loader, stepCount: stepCount(standard: 40))
try trainer.run { report in
  // return_positive_pairs=True: pairs of pixels of both views that show the same place.
  let pairs = report.metrics["positive_pairs"] ?? .nan
  if report.step == 1 || report.step.isMultiple(of: 10) {
    print("step \(report.step): loss \(report.loss), \(Int(pairs)) positive pairs")
  }
}

// torch.save(resnet, 'improved-resnet.pt')
try resnet.save(to: "improved-resnet.safetensors")
