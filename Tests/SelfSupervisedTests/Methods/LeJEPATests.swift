import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class LeJEPATests: XCTestCase {
  private let images = Formula.images("lejepa", view: 1, 8, size: 16)

  private func lejepa(seed: UInt64 = 1) -> LeJEPA {
    LeJEPA(
      withRandomSeed(seed) { PlainCNN() }, imageSize: 16, hiddenLayer: "pool", projectionSize: 12,
      projectionHiddenSize: 16, sliceCount: 32, seed: seed)
  }

  func testHead() {
    let head = Heads.leJEPA(3, hidden: 4, outputs: 5)
    XCTAssertEqual(
      head.namedParameters.map(\.name),
      [
        "0.weight", "1.weight", "1.bias", "3.weight", "4.weight", "4.bias", "6.weight", "6.bias",
      ])
  }

  func testDirectionsAreOfUnitLengthAndOtherOnesInEachStep() {
    let slices = RandomSlices(width: 5, count: 40, using: RandomStream(seed: 4))
    let first = slices.directions
    for length in square(first).sum(axes: [0]).scalars { XCTAssertEqual(length, 1, accuracy: 1e-5) }
    XCTAssertEqual(first.scalars, slices.directions.scalars)
    slices.advance()
    XCTAssertNotEqual(first.scalars, slices.directions.scalars)
    // No preferred direction: the mean of 20,000 entries with a deviation of 1 / √5.
    let many = RandomSlices(width: 5, count: 4_000, using: RandomStream(seed: 5)).directions
    XCTAssertEqual(many.mean().item, 0, accuracy: 0.015)
  }

  /// Processes of one seed, whatever their images are.
  func testDirectionsDependOnSeedAndStepAlone() {
    let (one, other) = (lejepa(), lejepa())
    _ = one.losses(ofSteps: 3, on: images)
    _ = other.losses(ofSteps: 3, on: images[0..<4])
    XCTAssertEqual(one.parts.slices.step, 3)
    XCTAssertEqual(one.parts.slices.directions.scalars, other.parts.slices.directions.scalars)
    XCTAssertNotEqual(
      one.parts.slices.directions.scalars, lejepa(seed: 2).parts.slices.directions.scalars)
  }

  func testALossThatIsNotDifferentiatedMovesNoDirections() {
    let learner = lejepa()
    let views = learner.views(of: images)
    let losses = (0..<2).map { _ in learner.loss(views).item }
    XCTAssertEqual(losses[0], losses[1])
    XCTAssertEqual(learner.parts.slices.step, 0)
    learner.endStep(learner.stepLoss(of: views))
    XCTAssertEqual(learner.parts.slices.step, 1)
  }

  func testMetricsAreTheTerms() throws {
    let learner = lejepa()
    let loss = learner.stepLoss(on: images)
    let invariance = try XCTUnwrap(loss.metrics["invariance"])
    let distance = try XCTUnwrap(loss.metrics["sigreg"])
    XCTAssertEqual(loss.item, 0.95 * invariance + 0.05 * distance, accuracy: 1e-5)
  }

  func testGoesOnBitForBitFromItsState() throws {
    let (first, second) = (lejepa(), lejepa(seed: 9))
    _ = first.losses(ofSteps: 2, on: images)
    try second.load(first.state)
    XCTAssertEqual(
      second.losses(ofSteps: 3, on: images), first.losses(ofSteps: 3, on: images))
  }

  func testAStateWithoutDirectionsIsRefused() {
    let learner = lejepa()
    var state = learner.state
    state.metadata["slices.step"] = "-3"
    XCTAssertThrowsError(try learner.load(state)) { error in
      XCTAssertTrue("\(error)".contains("slices.step"), "\(error)")
    }
    state.metadata["slices.stream"] = nil
    XCTAssertThrowsError(try learner.load(state)) { error in
      XCTAssertTrue("\(error)".contains("slices.stream"), "\(error)")
    }
  }

  func testNormalProjectionsAreWhatIsLearnt() {
    let (learner, images) = (lejepa(), Formula.images("normal", view: 1, 32, size: 16))
    let before = learner.stepLoss(on: images).metrics["sigreg"] ?? 0
    let optimizer = Adam(learner.parameters, learningRate: 1e-2)
    for _ in 0..<60 {
      optimizer.zeroGradients()
      learner(images).backward()
      optimizer.step()
    }
    let after = learner.stepLoss(on: images).metrics["sigreg"] ?? 0
    XCTAssertLessThan(after, 0.5 * before)
    XCTAssertGreaterThan(learner.stepLoss(on: images).statistics.projectionStd, 0.3)
  }
}
