import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// Several losses, each of a part of a batch and divided by the number of parts, and then one step.
final class GradientAccumulationTests: XCTestCase {
  private let images = Formula.images("accumulation", view: 1, 8, size: 16)

  /// The batch at once, and in two halves.
  private var batches: [[Tensor]] { [[images], [images[0..<4], images[4..<8]]] }

  /// The mean loss of the parts, and then one step with all of them.
  private func step(_ learner: some Learner, _ parts: [Tensor]) -> Float {
    let losses = withoutGradients { parts.map { learner($0).item } }
    let optimizer = SGD(learner.parameters, learningRate: 0.1)
    optimizer.zeroGradients()
    for part in parts { (learner(part) / Float(parts.count)).backward() }
    optimizer.step()
    learner.updateMovingAverage()
    return losses.reduce(0, +) / Float(parts.count)
  }

  private func checkEqual(_ found: [Tensor], _ expected: [Tensor]) {
    XCTAssertEqual(found.map(\.shape), expected.map(\.shape))
    for (found, expected) in zip(found, expected) where found.shape == expected.shape {
      XCTAssertLessThan(largestError(found.scalars, expected.scalars), 1e-5)
    }
  }

  // MARK: - Where no image depends on another

  /// The heads have batch norm, which sees its half alone unless it is frozen.
  private func byol(frozen: Bool) -> BYOL {
    let learner = BYOL(
      withRandomSeed(5) { SmoothCNN() }, inputShape: [16, 16, 3], hiddenLayer: "pool",
      projectionSize: 8, projectionHiddenSize: 16, movingAverageDecay: 0.75,
      augmentation: IdentityAugmentation(), secondAugmentation: dimmed, seed: 1)
    for (_, module) in learner.modules.flatMap(\.namedModules) {
      (module as? BatchNorm)?.isFrozen = frozen
    }
    return learner
  }

  private let dimmed = LambdaAugmentation { image, _ in PixelImage(image.pixels * image.pixels) }

  func testBYOLsHalvesAreTheWholeBatch() throws {
    let learners = batches.map { _ in byol(frozen: true) }
    let before = learners[0].parameters.map(\.value.scalars)
    let losses = zip(learners, batches).map(step)
    XCTAssertEqual(losses[1], losses[0], accuracy: 1e-5)
    checkEqual(learners[1].parameters.map(\.value), learners[0].parameters.map(\.value))
    let targets = try learners.map { try XCTUnwrap($0.parts.target) }
    checkEqual(targets[1].values, targets[0].values)
    XCTAssertEqual(targets.map(\.step), [1, 1])
    XCTAssertNotEqual(learners[1].parameters.map(\.value.scalars), before)
  }

  /// The negatives are keys of earlier steps, the same for both halves.
  func testMoCosHalvesAreTheWholeBatchAndAllKeysEnterTheQueue() {
    let learners = batches.map { _ in
      let learner = MoCo(
        withRandomSeed(5) { SmoothCNN() }, inputShape: [16, 16, 3], hiddenLayer: "pool",
        projectionSize: 8, queueSize: 20, movingAverageDecay: 0.75, augmentation: dimmed, seed: 1)
      learner.parts.queue.append(formula("queue", [5, 8]))
      return learner
    }
    let losses = zip(learners, batches).map(step)
    XCTAssertEqual(losses[1], losses[0], accuracy: 1e-5)
    checkEqual(learners[1].parameters.map(\.value), learners[0].parameters.map(\.value))
    XCTAssertEqual(learners.map(\.parts.target.step), [1, 1])
    XCTAssertEqual(learners.map(\.parts.queue.count), [13, 13])
    checkEqual([learners[1].parts.queue.rows], [learners[0].parts.queue.rows])
  }

  // MARK: - Where it does

  func testBatchNormSeesItsHalfAlone() {
    let losses = batches.map { step(byol(frozen: false), $0) }
    XCTAssertGreaterThan(abs(losses[1] - losses[0]), 1e-3)
  }

  /// 6 negatives of a half instead of 14; chunks keep all of them.
  func testSimCLRsHalvesHaveFewerNegativesAndChunksDoNot() {
    func simCLR() -> SimCLR {
      SimCLR(
        withRandomSeed(5) { SmoothCNN() }, inputShape: [16, 16, 3], hiddenLayer: "pool",
        projectionSize: 8, head: .plain, augmentation: IdentityAugmentation(),
        secondAugmentation: dimmed,
        seed: 1)
    }
    let losses = batches.map { step(simCLR(), $0) }
    XCTAssertLessThan(losses[1], losses[0] - 0.1)
    XCTAssertEqual(simCLR().backward(images, chunkSize: 4).item, losses[0], accuracy: 1e-5)
  }
}
