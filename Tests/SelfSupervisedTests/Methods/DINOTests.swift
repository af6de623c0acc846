import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class DINOTests: XCTestCase {
  private let images = Formula.images("dino", view: 1, 8, size: 16)

  private func dino(frozenSteps: Int = 0, seed: UInt64 = 1) -> DINO {
    DINO(
      withRandomSeed(seed) { PlainCNN() }, imageSize: 16, hiddenLayer: "pool", prototypeCount: 20,
      projectionSize: 12, projectionHiddenSize: 16,
      targetTemperature: LinearRise(from: 0.02, to: 0.05, over: 4),
      frozenPrototypeSteps: frozenSteps,
      seed: seed)
  }

  func testHead() {
    let head = Heads.dino(3, hidden: 4, outputs: 5)
    XCTAssertEqual(
      head.namedParameters.map(\.name),
      ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"])
    XCTAssertEqual(
      Heads.dino(3, hidden: 4, outputs: 5, batchNorm: true).namedParameters.map(\.name),
      [
        "0.weight", "1.weight", "1.bias", "3.weight", "4.weight", "4.bias", "6.weight", "6.bias",
      ])
  }

  func testPrototypesGiveCosines() {
    let prototypes = Prototypes(3, count: 2)
    prototypes.weight.value = Tensor([0, 0, 5, 1, 1, 0], shape: [2, 3])
    let found = prototypes(Tensor([0, 0, 2, 3, 0, 0], shape: [2, 3])).scalars
    for (found, expected) in zip(found, [1, 0, 0, 0.5.squareRoot()]) {
      XCTAssertEqual(found, Float(expected), accuracy: 1e-6)
    }
  }

  func testTheCenterMovesWithAStepThatIsTaken() {
    let learner = dino()
    let views = learner.views(of: images)
    let center = learner.parts.center
    XCTAssertEqual(learner.loss(views).item, learner.loss(views).item)
    XCTAssertEqual(center.mean.value.scalars, [Float](repeating: 0, count: 20))
    let target = learner.parts.target
    let outputs = target.withTargetWeights {
      [views.first, views.second].map {
        learner.parts.prototypes(learner.projector(learner.features($0)))
      }
    }
    learner.endStep(learner.stepLoss(of: views))
    let mean = concatenated(outputs).mean(axes: [0]).scalars
    for (found, expected) in zip(center.mean.value.scalars, mean) {
      XCTAssertEqual(found, 0.1 * expected, accuracy: 1e-6)
    }
  }

  func testFrozenPrototypesStay() {
    let learner = dino(frozenSteps: 2)
    let optimizer = AdamW(learner.parameters, learningRate: 1e-2)
    let before = learner.parts.prototypes.weight.value.scalars
    for step in 0..<3 {
      let now = learner.parts.prototypes.weight.value.scalars
      XCTAssertEqual(now, before, "\(step)")
      optimizer.zeroGradients()
      learner(images).backward()
      optimizer.step()
      learner.updateMovingAverage()
    }
    XCTAssertNotEqual(learner.parts.prototypes.weight.value.scalars, before)
  }

  func testGoesOnBitForBitFromItsState() throws {
    // Frozen for one more step, at a temperature that still rises.
    let (first, second) = (dino(frozenSteps: 3), dino(frozenSteps: 3, seed: 9))
    _ = first.losses(ofSteps: 2, on: images)
    try second.load(first.state)
    XCTAssertEqual(second.losses(ofSteps: 3, on: images), first.losses(ofSteps: 3, on: images))
  }

  func testAVisionTransformerTakesLocalViews() {
    let net = withRandomSeed(3) {
      VisionTransformer(
        VisionTransformer.Architecture(
          patchSize: 4, width: 24, depth: 2, grid: Size2D(height: 4, width: 4)))
    }
    let learner = DINO(
      net, imageSize: 16, hiddenLayer: "pool", prototypeCount: 16, projectionSize: 8,
      projectionHiddenSize: 16, localViews: LocalViews(count: 2, size: 8, scale: 0.05...0.4),
      seed: 1)
    let loss = learner(images)
    XCTAssertTrue(loss.item.isFinite)
    loss.backward()
    XCTAssertNotNil(net.parameters.first?.gradient)
  }

  func testLearnsToTellImagesApart() throws {
    let learner = DINO(
      withRandomSeed(4) { ResNet.small() }, imageSize: 16, hiddenLayer: "avgpool",
      prototypeCount: 20, projectionSize: 12, projectionHiddenSize: 32,
      normalizesProjections: true,
      augmentation: HorizontalFlip().applied(probability: 0.5), seed: 1)
    let images = Formula.images("apart", view: 1, 32, size: 16)
    let optimizer = AdamW(learner.parameters, learningRate: 3e-3)
    let before = learner.stepLoss(on: images).item
    for _ in 0..<100 {
      optimizer.zeroGradients()
      learner(images).backward()
      optimizer.step()
      learner.updateMovingAverage()
    }
    let after = learner.stepLoss(on: images)
    XCTAssertLessThan(after.item, 0.8 * before)
    // Neither the same prototype for all nor none for any.
    let entropy = try XCTUnwrap(after.metrics["target_entropy"])
    XCTAssertLessThan(entropy, 2.5)
    let (parts, features) = (learner.parts, learner.features(images))
    let winners = parts.center(parts.prototypes(parts.projector(features))).argmax()
    XCTAssertGreaterThan(Set(winners).count, 4)
  }
}
