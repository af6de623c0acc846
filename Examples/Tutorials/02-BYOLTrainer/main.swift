// byol-pytorch's README, second part: its trainer, on its mock data.
//   swift run -c release TutorialBYOLTrainer [STEPS [WEIGHTS]]
import Arguments
import Datasets
import SelfSupervised
import Training

// With torchvision's file for WEIGHTS a whole ResNet-50 and images of 256 pixels, as there;
// without, a quarter of its width and 64 pixels.
let weights = CommandLine.arguments.dropFirst(2).first
let imageSize = weights == nil ? 64 : 256
let resnet = withRandomSeed(0) { ResNet.resNet50(width: weights == nil ? 16 : 64) }
if let weights { print(try resnet.loadPretrained(from: weights)) }

let dataset = MockDataset(imageSize: imageSize, length: 10_000)

let trainer = try BYOLTrainer(
  resnet,
  dataset: dataset,
  imageSize: Size2D(imageSize),
  hiddenLayer: "avgpool",
  learningRate: 3e-4,
  stepCount: stepCount(standard: 30),  // num_train_steps = 100_000
  batchSize: 16,
  checkpointEvery: 1_000  // and at the end, and when a signal ends the program
)

// trainer(): prints the loss of each step.
trainer.callbacks.append(ConsoleLog(everySteps: 1))
try trainer.run()
