// A training in the background: how far it is, how it is ended, and how its network comes back.
//   swift run -c release TutorialConcurrency [STEPS]
import Arguments
import Datasets
import SelfSupervised
import Training

func smallNet() -> ResNet { ResNet.resNet10(stem: .small, width: 8) }

/// Networks, learners and trainers do not cross from one task to another; what they are made of
/// does: data sets, states, numbers.
func trained(
  on images: some ImageDataset, stepCount: Int, progress: AsyncStream<Float>.Continuation
) throws -> StateDict {
  defer { progress.finish() }
  let net = smallNet()
  let learner = SimCLR(net, imageSize: 24, hiddenLayer: "avgpool")
  let trainer = Trainer(
    learner, optimizer: Adam(learner.parameters, learningRate: 1e-3),
    loader: DataLoader(images, batchSize: 32, shuffled: true, dropsLast: true),
    stepCount: stepCount)
  for report in trainer.steps() {
    progress.yield(report.averageLoss)
    if Task.isCancelled { break }
  }
  try trainer.finish()
  return net.state
}

let steps = stepCount(standard: 40)
let images = Shapes(count: 512, size: 32).inMemory()

// A task of its own: an `await` elsewhere, or a view on the main actor, is not held up.
let (losses, progress) = AsyncStream.makeStream(
  of: Float.self, bufferingPolicy: .bufferingNewest(1))
let training = Task.detached {
  try trained(on: images, stepCount: 1_000 * steps, progress: progress)
}

// Whoever looks at it may end it; what was learned by then comes back.
var seen = 0
for await loss in losses {
  seen += 1
  if seen % 10 == 1 { print("loss \(loss)") }
  if seen == steps { training.cancel() }
}
let net = smallNet()
try net.load(try await training.value)
print("the network of a training that was cancelled has \(net.parameterCount) parameters")

/// An actor that trains a few steps for whoever asks, and serves features in between.
actor Extractor {
  private let trainer: Trainer

  init(images: some ImageDataset, stepCount: Int) {
    let learner = SimCLR(smallNet(), imageSize: 24, hiddenLayer: "avgpool")
    trainer = Trainer(
      learner, optimizer: Adam(learner.parameters, learningRate: 1e-3),
      loader: DataLoader(images, batchSize: 32, shuffled: true, dropsLast: true),
      stepCount: stepCount)
  }

  /// Takes a few steps, fewer if the training ends.
  func train(steps: Int) throws {
    for _ in 0..<steps { guard try trainer.next() != nil else { return } }
  }

  func features(_ images: Tensor) -> Tensor { trainer.learner.represent(images).embedding }
}

let extractor = Extractor(images: images, stepCount: steps)
try await extractor.train(steps: steps)
print("features \(await extractor.features(images.images(in: 0..<4)).shape)")
