import Foundation
import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class MoCoTests: XCTestCase {
  private func learner(
    _ net: any Module = PlainCNN(), queueSize: Int = 10, isSymmetric: Bool = false
  ) -> MoCo {
    MoCo(
      net, imageSize: 16, hiddenLayer: "pool", projectionSize: 8, queueSize: queueSize,
      isSymmetric: isSymmetric, seed: 1)
  }

  private func view(_ number: Int, count: Int = 4) -> Tensor {
    Formula.images("moco", view: number, count, size: 16)
  }

  func testParametersAreCompleteFromTheStart() {
    let net = PlainCNN()
    let learner = learner(net)
    XCTAssertEqual(learner.parameters.count, net.parameters.count + 4)
    XCTAssertEqual(learner.parts.target.parameters.count, learner.parameters.count)
    XCTAssertEqual(
      learner.projector.namedParameters.map(\.parameter.shape), [[8, 8], [8], [8, 8], [8]])
  }

  private func loss(_ learner: MoCo, count: Int = 4) -> StepLoss {
    learner.stepLoss(of: ViewPair(first: view(1, count: count), second: view(2, count: count)))
  }

  func testKeysEnterTheQueueAfterTheStep() {
    let learner = learner()
    let first = loss(learner)
    XCTAssertEqual(first.item, 0)
    XCTAssertEqual(learner.parts.queue.count, 0)
    learner.endStep(first)
    XCTAssertEqual(learner.parts.queue.count, 4)
    let lengths = learner.parts.queue.rows.norm(axes: [1]).scalars
    for length in lengths { XCTAssertEqual(length, 1, accuracy: 1e-6) }
    XCTAssertGreaterThan(learner.endStep(loss(learner)).item, 0)
    learner.endStep(loss(learner, count: 5))
    XCTAssertEqual(learner.parts.queue.count, 10)
    XCTAssertEqual(learner.parts.queue.position, 3)
  }

  func testLossWithoutGradientsLeavesTheQueue() {
    let learner = learner()
    withoutGradients { _ = learner.loss(view(1), view(2)) }
    learner.updateMovingAverage()
    XCTAssertEqual(learner.parts.queue.count, 0)
  }

  func testLossInEvaluationLeavesTheQueue() {
    let learner = learner()
    learner.endStep(loss(learner))
    learner.eval()
    learner.endStep(loss(learner))
    learner.train()
    XCTAssertEqual(learner.parts.queue.count, 4)
    learner.endStep(loss(learner))
    XCTAssertEqual(learner.parts.queue.count, 8)
  }

  /// Keys are of the second view, by the target's numbers; the queue is what they were.
  func testLossIsThatOfItsParts() throws {
    let net = ResNet.resNet10(stem: .small, width: 4)
    let learner = MoCo(
      net, imageSize: 16, hiddenLayer: "avgpool", projectionSize: 8, queueSize: 10,
      temperature: 0.5, seed: 1)
    learner.parts.queue.append(l2Normalized(formula("queue", [6, 8])))
    for parameter in learner.parameters { parameter.value = (parameter.value * 1.5).detached }
    learner.commits.acceptWeights()
    let loss = learner.loss(view(1), view(2)).item
    let keys = learner.parts.target.withTargetWeights { learner.project(view(2)) }
    let expected = infoNCE(
      learner.project(view(1)), keys: keys, negatives: l2Normalized(formula("queue", [6, 8])),
      temperature: 0.5)
    XCTAssertEqual(loss, expected.item, accuracy: 1e-5)
  }

  /// MoCo's code begins with a full queue of random directions, so that the loss begins near
  /// log(1 + rows) rather than at zero.
  func testQueueMayStartRandom() {
    func learner(_ startsRandom: Bool) -> MoCo {
      MoCo(
        withRandomSeed(1) { PlainCNN() }, imageSize: 16, hiddenLayer: "pool", projectionSize: 8,
        queueSize: 64, startsRandom: startsRandom, temperature: 1, seed: 1)
    }
    XCTAssertEqual(learner(false).loss(view(1), view(2)).item, 0, accuracy: 1e-6)
    let random = learner(true)
    let candidates = random.parts.queue.candidates
    XCTAssertEqual(candidates.shape, [64, 8])
    for length in (candidates * candidates).sum(axes: [1]).scalars {
      XCTAssertEqual(length, 1, accuracy: 1e-5)
    }
    // The mean of log(1 + Σ over rows of exp(query · row - query · key)), number by number.
    let queries = l2Normalized(random.project(view(1)))
    let keys = l2Normalized(random.parts.target.withTargetWeights { random.project(view(2)) })
    let positives = (queries * keys).sum(axes: [1]).scalars.map(Double.init)
    let negatives = matmul(queries, candidates.transposed()).scalars.map(Double.init)
    let losses = positives.enumerated().map { row, positive in
      log(1 + negatives[row * 64..<(row + 1) * 64].reduce(0) { $0 + exp($1 - positive) })
    }
    let loss = random.loss(view(1), view(2)).item
    XCTAssertEqual(Double(loss), losses.reduce(0, +) / Double(losses.count), accuracy: 1e-5)
    XCTAssertEqual(learner(true).loss(view(1), view(2)).item, loss)
    XCTAssertEqual(random.parts.queue.count, 0)
  }

  func testSymmetricLossIsTheSumOfBothDirections() {
    let net = ResNet.resNet10(stem: .small, width: 4)
    func learner(_ isSymmetric: Bool) -> MoCo {
      let learner = MoCo(
        net, imageSize: 16, hiddenLayer: "avgpool", projectionSize: 8, queueSize: 10,
        isSymmetric: isSymmetric, seed: 1)
      learner.parts.queue.append(l2Normalized(formula("queue", [6, 8])))
      return learner
    }
    let (one, both) = (learner(false), learner(true))
    let sum = one.loss(view(1), view(2)).item + one.loss(view(2), view(1)).item
    XCTAssertEqual(both.endStep(loss(both)).item, sum, accuracy: 1e-5)
    XCTAssertEqual(both.parts.queue.count, 10)
  }

  func testTargetAndQueueHaveNoGradient() {
    let learner = learner()
    learner.parts.queue.append(l2Normalized(formula("queue", [6, 8])))
    let (target, queue) = (
      learner.parts.target.values.map(\.scalars), learner.parts.queue.rows.scalars
    )
    let optimizer = SGD(learner.parameters, learningRate: 1)
    learner.loss(view(1), view(2)).backward()
    optimizer.step()
    XCTAssertEqual(learner.parts.target.values.map(\.scalars), target)
    XCTAssertEqual(learner.parts.queue.rows.scalars, queue)
    XCTAssertTrue(learner.parts.target.values.allSatisfy { !$0.isTracked })
    XCTAssertFalse(learner.parts.queue.rows.isTracked)
    learner.updateMovingAverage()
    XCTAssertNotEqual(learner.parts.target.values.map(\.scalars), target)
  }

  func testGoesOnBitForBitFromItsState() throws {
    let images = Formula.images("state", view: 1, 6, size: 16)
    try withTemporaryFolder { folder in
      for steps in [1, 3] {
        let (first, second) = (learner(), learner())
        _ = first.losses(ofSteps: steps, on: images)
        try first.save(to: folder + "/learner.safetensors")
        try second.load(from: folder + "/learner.safetensors")
        XCTAssertEqual(second.parts.queue.count, min(10, steps * 6))
        XCTAssertEqual(
          second.losses(ofSteps: 3, on: images), first.losses(ofSteps: 3, on: images))
      }
    }
  }

  func testVectors() {
    let learner = MoCo(
      MLP([20, 32, 10], batchNorm: true), inputShape: [20], projectionSize: 8, queueSize: 12,
      augmentation: IdentityAugmentation())
    let rows = (1...2).map { formula("row\($0)", [8, 20]) }
    for _ in 0..<2 {
      learner.endStep(learner.stepLoss(of: ViewPair(first: rows[0], second: rows[1])))
    }
    XCTAssertEqual(learner.represent(rows[0]).embedding.shape, [8, 32])
    XCTAssertEqual(learner.parts.queue.count, 12)
  }
}
