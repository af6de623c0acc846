// A folder of photographs makes a network of your own better, which then finds the ones that are
// alike.
//   swift run -c release Photographs DIRECTORY [EPOCHS]
import Datasets
import Foundation
import SelfSupervised
import Training

/// Any network is a module whose stored properties are its layers.
final class PhotoNet: Module {
  let stem = Conv2d(3, 32, kernelSize: 3, stride: 2, padding: 1)
  let norm1 = BatchNorm(32)
  let body = Conv2d(32, 64, kernelSize: 3, stride: 2, padding: 1)
  let norm2 = BatchNorm(64)
  let top = Conv2d(64, 128, kernelSize: 3, stride: 2, padding: 1)
  let norm3 = BatchNorm(128)
  let pool = GlobalAveragePool()

  func forward(_ images: Tensor) -> Tensor {
    let low = relu(norm1(stem(images)))
    let middle = relu(norm2(body(low)))
    return pool(relu(norm3(top(middle)))).flattened(from: 1)
  }
}

let words = CommandLine.arguments.dropFirst()
guard let directory = words.first, let epochs = Int(words.dropFirst().first ?? "20"), epochs > 0
else {
  print("usage: Photographs DIRECTORY [EPOCHS]")
  exit(64)
}
let photos: LabeledImages
do {
  photos = try ImageFolder.load(directory: directory, imageSize: 96) { print("left out: \($0)") }
} catch {
  print(error)
  exit(66)
}
let loader = DataLoader(
  photos, batchSize: min(64, photos.count), shuffled: true, dropsLast: true)

let net = PhotoNet()
let learner = SimCLR(net, imageSize: 96, hiddenLayer: "pool")
let trainer = Trainer(
  learner, optimizer: Adam(learner.parameters, learningRate: 1e-3), loader: loader,
  stepCount: epochs * loader.batchCount)
// After each epoch, and when a signal such as Control-C ends the program.
trainer.callbacks = [CollapseWatch(), CheckpointPolicy(in: ".", every: .epochs(1))]
trainer.metadata = ["directory": directory]

// A training that was stopped goes on from its last checkpoint.
if let checkpoint = try CheckpointPolicy.last(in: ".") {
  guard checkpoint.metadata["directory"] == directory else {
    print("the checkpoint here is of another directory: \(checkpoint.metadata["directory"] ?? "")")
    exit(66)
  }
  try trainer.restore(checkpoint)
}
let result = try trainer.run { report in
  if report.endsEpoch { print("epoch \(report.epoch + 1): loss \(report.averageLoss)") }
  for case .warning(let warning) in report.events { print(warning) }
}
if result.wasInterrupted {
  print("stopped after step \(result.progress.steps); the same command goes on from there")
  exit(0)
}
try net.save(to: "improved-net.safetensors")

// Its features, one row for each photograph, in evaluation mode and without gradients.
let improved = PhotoNet()
try improved.load(from: "improved-net.safetensors")
let features = improved.evaluating {
  photos.features { improved($0) }
}
let directions = l2Normalized(features - features.mean(axes: [0]))
let likeness = matmul(directions, directions.transposed()).scalars
for photo in 0..<min(5, photos.count) {
  let others = (0..<photos.count).filter { $0 != photo }
  let nearest = others.max {
    likeness[photo * photos.count + $0] < likeness[photo * photos.count + $1]
  }
  if let nearest { print("\(photos.paths[photo]) is most like \(photos.paths[nearest])") }
}
