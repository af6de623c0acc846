import Datasets
import SelfSupervised
import Tensor
import XCTest

@testable import Training

/// Trainings in tasks of their own share nothing but the threads that compute.
final class ConcurrentTrainingTests: XCTestCase {
  func testTwoTrainingsAtOnceAreThoseOneAfterTheOther() async throws {
    let alone = try (Self.train(seed: 1), Self.train(seed: 2))
    async let first = Task.detached { try Self.train(seed: 1) }.value
    async let second = Task.detached { try Self.train(seed: 2) }.value
    let both = try await (first, second)
    XCTAssertEqual(both.0, alone.0)
    XCTAssertEqual(both.1, alone.1)
    XCTAssertNotEqual(both.0, both.1)
  }

  /// The bits of a network after a few steps, with batches drawn ahead.
  private static func train(seed: UInt64) throws -> [UInt32] {
    let net = withRandomSeed(seed) { ResNet.resNet10(stem: .small, width: 4, classCount: 4) }
    let learner = BYOL(
      net, imageSize: 16, hiddenLayer: "avgpool", projectionSize: 8, projectionHiddenSize: 16,
      seed: seed)
    let images = Shapes(count: 32, size: 16, seed: seed).inMemory()
    let trainer = Trainer(
      learner, optimizer: Adam(learner.parameters, learningRate: 1e-3),
      loader: DataLoader(images, batchSize: 8, shuffled: true, dropsLast: true, seed: seed),
      stepCount: 12)
    trainer.batchesAhead = 1
    trainer.callbacks = [CollapseWatch()]
    try trainer.run()
    return net.state.entries.flatMap { $0.value.scalars.map(\.bitPattern) }
  }
}
