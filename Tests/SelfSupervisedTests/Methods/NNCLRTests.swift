import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class NNCLRTests: XCTestCase {
  private let variants = [NNCLRMethod.Variant.paper, .keras]

  private func views(_ count: Int = 6, _ name: String = "nnclr") -> ViewPair {
    let make = { Formula.images(name, view: $0, count, size: 16) }
    return ViewPair(first: make(1), second: make(2))
  }

  private func rows(_ count: Int, _ name: String) -> Tensor {
    Tensor(Formula.centred(name, count * 8), shape: [count, 8])
  }

  // MARK: - Against the formulas

  func testPaperMatchesFormula() throws {
    let learner = NNCLR.small(PlainCNN())
    learner.parts.queue.append(rows(9, "bank"))
    learner.eval()
    let z = (1...2).map { rows(6, "z\($0)") }
    let predictor = try XCTUnwrap(learner.parts.predictor)
    let p = z.map { predictor($0).rows }
    let bank = learner.parts.queue.rows.rows
    let found = z.map { ContrastTwin.nearest($0.rows, in: bank).map { bank[$0] } }
    let expected =
      ContrastTwin.rowContrast(found[0], p[1], temperature: 0.1) / 2
      + ContrastTwin.rowContrast(found[1], p[0], temperature: 0.1) / 2
    let loss = learner.loss(projections: ViewPair(first: z[0], second: z[1]))
    XCTAssertEqual(Double(loss.item), expected, accuracy: 1e-5)
  }

  func testKerasMatchesFormula() {
    let learner = NNCLR.small(PlainCNN(), variant: .keras)
    learner.parts.queue.append(rows(9, "bank"))
    let bank = learner.parts.queue.rows.rows
    let z = (1...2).map { rows(6, "z\($0)") }
    let found = z.map { ContrastTwin.nearest($0.rows, in: bank).map { bank[$0] } }
    let terms = [(found[0], z[1].rows), (found[1], z[0].rows)].map {
      ContrastTwin.rowContrast($0.0, $0.1, temperature: 0.1)
        + ContrastTwin.rowContrast($0.1, $0.0, temperature: 0.1)
    }
    let loss = learner.loss(projections: ViewPair(first: z[0], second: z[1]))
    XCTAssertEqual(Double(loss.item), terms.reduce(0, +) / 4, accuracy: 1e-5)
  }

  func testLossIsTheSameWithViewsExchanged() {
    for variant in variants {
      let learner = NNCLR.small(PlainCNN(), variant: variant)
      learner.parts.queue.append(rows(9, "bank"))
      learner.eval()
      let pair = ViewPair(first: rows(6, "z1"), second: rows(6, "z2"))
      let exchanged = ViewPair(first: pair.second, second: pair.first)
      XCTAssertEqual(
        learner.loss(projections: exchanged).item, learner.loss(projections: pair).item,
        accuracy: 1e-5)
    }
  }

  /// An empty queue gives each view itself: the loss contrasts the two views.
  func testEmptyQueueContrastsTheViews() {
    let learner = NNCLR.small(PlainCNN(), variant: .keras)
    let pairs = ViewPair(first: .identity(8), second: .identity(8))
    XCTAssertEqual(learner.loss(projections: pairs).item, log1pf(7 * expf(-10)), accuracy: 1e-6)
  }

  // MARK: - Gradients

  /// The paper's projections are reached through the candidates alone.
  func testNeighboursCarryNoGradient() {
    let learner = NNCLR.small(PlainCNN())
    learner.parts.queue.append(rows(9, "bank"))
    for _ in 0..<2 {
      let (z1, z2) = (Parameter(rows(6, "z1")), Parameter(rows(6, "z2")))
      let found = [z1, z2].map { learner.parts.queue.neighbors(of: $0.value).rows }
      XCTAssertTrue(found.allSatisfy { !$0.isTracked })
      // With candidates that are held, nothing is left to differentiate.
      let held = nnclrLoss(found[0], l2Normalized(z2.value.detached))
      XCTAssertFalse(held.isTracked)
      learner.loss(projections: ViewPair(first: z1.value, second: z2.value)).backward()
      XCTAssertNotNil(z1.gradient)
      XCTAssertFalse(learner.parts.queue.rows.isTracked)
    }
  }

  /// The gradient that Keras gives u = z / |z| in the place of its neighbour: of the mean over four
  /// terms of softmax cross-entropy, by differences in the copy that stands for the neighbour.
  func testKerasHandsTheNeighboursGradientOn() throws {
    let learner = NNCLR.small(PlainCNN(), variant: .keras)
    learner.parts.queue.append(rows(9, "bank"))
    let bank = learner.parts.queue.rows.rows
    let z = (1...2).map { rows(4, "z\($0)").rows }
    let found = z.map { ContrastTwin.nearest($0, in: bank).map { bank[$0] } }
    let parameters = (1...2).map { Parameter(rows(4, "z\($0)")) }
    learner.loss(
      projections: ViewPair(first: parameters[0].value, second: parameters[1].value)
    ).backward()
    // unit + (neighbour - unit) with the second unit held, as a function of the projection.
    func loss(_ moved: ContrastTwin.Rows, view: Int) -> Double {
      let units = (0..<2).map { index in
        (index == view ? moved : z[index]).map(ContrastTwin.unit)
      }
      let held = z.map { $0.map(ContrastTwin.unit) }
      let stand = (0..<2).map { index in
        zip(units[index], zip(found[index], held[index])).map { unit, pair in
          zip(unit, zip(pair.0, pair.1)).map { $0 + $1.0 - $1.1 }
        }
      }
      let terms = [(stand[0], units[1]), (stand[1], units[0])].map {
        ContrastTwin.plainContrast($0.0, $0.1, temperature: 0.1)
          + ContrastTwin.plainContrast($0.1, $0.0, temperature: 0.1)
      }
      return terms.reduce(0, +) / 4
    }
    for view in 0..<2 {
      let expected = ContrastTwin.gradient(at: z[view]) { loss($0, view: view) }
      let gradient = try XCTUnwrap(parameters[view].gradient)
      XCTAssertLessThan(relativeError(gradient.scalars, expected), 1e-4)
    }
  }

  func testAllThatIsUsedIsTrained() {
    for variant in variants {
      let net = PlainCNN()
      let learner = NNCLR.small(net, variant: variant)
      for _ in 0..<2 { learner.loss(views()).backward() }
      for parameter in learner.parameters {
        XCTAssertEqual(parameter.gradient == nil, net.fc.parameters.contains { $0 === parameter })
      }
    }
  }

  // MARK: - Queue

  func testQueueTakesFirstProjectionsAfterTheStep() {
    for variant in variants {
      let learner = NNCLR.small(PlainCNN(), variant: variant)
      let (first, second) = (rows(4, "z1"), rows(4, "z2"))
      for step in 1...3 {
        let views = ViewPair(first: Parameter(first).value, second: Parameter(second).value)
        let before = learner.parts.queue.count
        let loss = learner.stepLoss(projections: views)
        XCTAssertEqual(learner.parts.queue.count, before)
        learner.endStep(loss)
        XCTAssertEqual(learner.parts.queue.count, min(11, 4 * step))
      }
      // Twelve rows went into eleven places.
      XCTAssertEqual(
        learner.parts.queue.rows[0..<1].scalars, l2Normalized(first)[3..<4].scalars)
      XCTAssertEqual(learner.parts.queue.rows[4..<8].scalars, l2Normalized(first).scalars)
    }
  }

  func testEvaluationLeavesNoTraceInTheQueue() {
    for variant in variants {
      let learner = NNCLR.small(PlainCNN(), variant: variant)
      learner.endStep(learner.stepLoss(of: views()))
      let before = learner.parts.queue.state.entries.map(\.value.scalars)
      XCTAssertEqual(learner.parts.queue.count, 6)
      learner.eval()
      let losses = (0..<2).map { _ in learner.endStep(learner.stepLoss(of: views())).item }
      XCTAssertEqual(losses[0], losses[1])
      XCTAssertEqual(learner.parts.queue.state.entries.map(\.value.scalars), before)
      learner.train()
      learner.endStep(learner.stepLoss(of: views()))
      XCTAssertNotEqual(learner.parts.queue.state.entries.map(\.value.scalars), before)
    }
  }

  func testBatchesLargerThanTheQueue() {
    let learner = NNCLR.small(PlainCNN(), queueSize: 3)
    for count in [6, 2, 7] {
      let loss = learner.endStep(learner.stepLoss(of: views(count)))
      XCTAssertTrue((0...logf(7) + 20).contains(loss.item), "\(loss.item)")
      XCTAssertEqual(learner.parts.queue.count, 3)
      // The last ones; the places of six, two and seven rows are at the start of three.
      let last = l2Normalized(loss.projections)[max(0, count - 3)..<count]
      XCTAssertEqual(learner.parts.queue.rows[0..<last.shape[0]].scalars, last.scalars)
    }
  }

  // MARK: - Matches

  func testRightClassesAreCounted() throws {
    let learner = NNCLR.small(PlainCNN())
    let axes = ViewPair(first: .identity(8)[0..<4], second: .identity(8)[0..<4])
    XCTAssertTrue(try share(learner.stepLoss(projections: axes, labels: [5, 6, 7, 8])).isNaN)
    learner.parts.queue.append(axes.first, labels: [5, 6, 7, 8])
    XCTAssertEqual(try share(learner.stepLoss(projections: axes, labels: [5, 6, 0, 8])), 0.75)
    XCTAssertTrue(try share(learner.stepLoss(projections: axes)).isNaN)
  }

  private func share(_ loss: StepLoss) throws -> Float {
    try XCTUnwrap(loss.metrics["right_neighbours"])
  }

  func testLabelsChangeNothingOfTheLoss() throws {
    let learners = (0..<2).map { _ in
      NNCLR.small(withRandomSeed(1) { PlainCNN() })
    }
    for step in 0..<3 {
      let views = views(6, "labels\(step)")
      let plain = learners[0].endStep(learners[0].stepLoss(of: views))
      let labels = [0, 1, 2, 0, 1, 2]
      let labeled = learners[1].endStep(learners[1].stepLoss(of: views, labels: labels))
      XCTAssertEqual(labeled.item, plain.item)
      XCTAssertEqual(try share(labeled).isNaN, step == 0)
    }
  }

  func testRandomRowsAreReported() {
    let learner = NNCLR.small(PlainCNN(), queueSize: 200, startsRandom: true)
    XCTAssertEqual(learner.stepLoss(of: views()).metrics["random_neighbours"], 1)
    let warm = NNCLR.small(PlainCNN())
    for _ in 0..<2 {
      let loss = warm.endStep(warm.stepLoss(of: views()))
      XCTAssertEqual(loss.metrics["random_neighbours"], 0)
    }
  }

  /// Both measures are of features, not of projections.
  func testAccuraciesAreOfFeatures() {
    for batching in [ViewBatching.separate, .joint] {
      let net = withRandomSeed(6) { ResNet.small() }
      net.eval()
      let learner = NNCLR.small(net, hiddenLayer: "avgpool", viewBatching: batching)
      let views = views(12)
      let metrics = learner.stepLoss(of: views).metrics
      // Batched as the learner does it: rounding may decide which of two rows is the nearest.
      let features = batching(views) { learner.represent($0).embedding }
      XCTAssertEqual(
        metrics["contrastive_accuracy"], contrastiveAccuracy(features.first, features.second))
      XCTAssertEqual(
        metrics["correlation_accuracy"], correlationAccuracy(features.first, features.second))
    }
  }

  // MARK: - Construction and saving

  func testDefaultsAreThePublishedOnes() {
    let keras = NNCLR(PlainCNN(), imageSize: 16, hiddenLayer: "pool", variant: .keras, seed: 1)
    XCTAssertEqual(keras.parts.queue.capacity, 10_000)
    XCTAssertEqual(keras.projector.parameters.map(\.shape), [[128, 8], [128], [128, 128], [128]])
    XCTAssertNil(keras.parts.predictor)
    XCTAssertEqual(keras.namedParts.map(\.name), ["net", "projector", "queue"])
    let paper = NNCLR(PlainCNN(), imageSize: 16, hiddenLayer: "pool", queueSize: 50, seed: 1)
    XCTAssertEqual(
      paper.projector.parameters.filter { $0.shape.rank == 2 }.map(\.shape),
      [[2_048, 8], [2_048, 2_048], [256, 2_048]])
    XCTAssertEqual(
      paper.parts.predictor?.parameters.filter { $0.shape.rank == 2 }.map(\.shape),
      [[4_096, 256], [256, 4_096]])
    XCTAssertEqual(paper.parts.queue.width, 256)
    XCTAssertEqual([paper.method.temperature, keras.method.temperature], [0.1, 0.1])
  }

  func testGoesOnBitForBitFromItsState() throws {
    try withTemporaryFolder { folder in
      for variant in variants {
        let learners = (0..<2).map { _ in NNCLR.small(PlainCNN(), variant: variant) }
        _ = learners[0].losses(ofSteps: 3, on: views().first)
        try learners[0].save(to: folder + "/nnclr.safetensors")
        try learners[1].load(from: folder + "/nnclr.safetensors")
        XCTAssertEqual(learners[1].parts.queue.count, 11)
        let losses = learners.map { $0.losses(ofSteps: 3, on: views().first) }
        XCTAssertEqual(losses[1], losses[0])
        XCTAssertEqual(
          learners[1].parts.queue.rows.scalars, learners[0].parts.queue.rows.scalars)
      }
    }
  }

  func testStateWithoutAQueueIsRefused() {
    let learner = NNCLR.small(PlainCNN(), variant: .keras)
    let before = learner.state
    let rest = StateDict(
      before.entries.filter { !$0.name.hasPrefix("queue.") }, metadata: before.metadata)
    XCTAssertThrowsError(try learner.load(rest)) {
      XCTAssertTrue("\($0)".contains("lacks queue.rows"), "\($0)")
    }
  }
}
