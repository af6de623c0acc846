import Datasets
import SelfSupervised
import Training
import XCTest

/// A trainer whose batches go through the network in chunks.
final class ChunkedTrainingTests: XCTestCase {
  /// No norm, so that no image depends on another but by the loss.
  private final class SmallNet: Module {
    let conv = Conv2d(3, 8, kernelSize: 3, stride: 2, padding: 1)
    let pool = GlobalAveragePool()
    let classifier = Linear(8, 10)

    func forward(_ images: Tensor) -> Tensor {
      classifier(pool(relu(conv(images))).flattened(from: 1))
    }
  }

  /// A training of SimCLR on 24 images of shapes, two batches of twelve.
  private func trainer() -> Trainer {
    let learner = SimCLR(
      withRandomSeed(1) { SmallNet() }, imageSize: 16, hiddenLayer: "pool", projectionSize: 8,
      head: .plain, seed: 2)
    return Trainer(
      learner, optimizer: SGD(learner.parameters, learningRate: 0.1),
      loader: DataLoader(Shapes(count: 24, size: 16), batchSize: 12), stepCount: 3)
  }

  func testChunksTakeTheStepsOfTheWholeBatch() throws {
    let (whole, chunked, accumulated) = (trainer(), trainer(), trainer())
    chunked.chunkSize = 5
    var losses: [Float] = []
    try whole.run { losses.append($0.loss) }
    try chunked.run { report in
      XCTAssertEqual(report.loss, losses[report.step - 1], accuracy: 1e-5)
      XCTAssertEqual(report.metrics["negatives_per_anchor"], 22)
      XCTAssertGreaterThan(report.gradientNorm, 0)
    }
    let before = withRandomSeed(1) { SmallNet() }
    for (index, parameter) in whole.learner.parameters.enumerated() {
      let other = chunked.learner.parameters[index].value
      XCTAssertLessThan(abs(parameter.value - other).max().item, 1e-5)
    }
    XCTAssertGreaterThan(
      abs(whole.learner.net.parameters[0].value - before.parameters[0].value).max().item, 1e-4)
    // Accumulation is something else.
    accumulated.accumulatedBatches = 2
    try accumulated.run { XCTAssertEqual($0.metrics["negatives_per_anchor"], 22) }
    XCTAssertEqual(accumulated.progress.steps, 3)
  }

  func testTheChunkSizeMayChangeBetweenSteps() throws {
    let (whole, changing) = (trainer(), trainer())
    var losses: [Float] = []
    try whole.run { losses.append($0.loss) }
    for (index, size) in [nil, 5, nil].enumerated() {
      changing.chunkSize = size
      XCTAssertEqual(try XCTUnwrap(changing.next()).loss, losses[index], accuracy: 1e-5)
    }
  }

  func testChunksGoOnFromACheckpoint() throws {
    let (whole, first, second) = (trainer(), trainer(), trainer())
    [whole, first, second].forEach { $0.chunkSize = 4 }
    try whole.run()
    _ = try first.next()
    try second.restore(first.checkpoint())
    try second.run()
    for (a, b) in zip(whole.learner.parameters, second.learner.parameters) {
      XCTAssertEqual(a.value.scalars, b.value.scalars)
    }
  }
}
