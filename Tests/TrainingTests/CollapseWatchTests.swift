import Datasets
import Nets
import Tensor
import XCTest

@testable import SelfSupervised
@testable import Training

final class CollapseWatchTests: XCTestCase {
  // MARK: - Statistics made up

  private func statistics(_ spread: Float, _ rank: Float) -> ProjectionStatistics {
    var statistics = ProjectionStatistics(.ones([2, 2]))
    (statistics.projectionStd, statistics.effectiveRank) = (spread, rank)
    return statistics
  }

  /// The steps at which a run of such statistics was warned of, and as what.
  private func warnings(_ run: [(Float, Float)]) -> [(step: Int, kind: CollapseWarning.Kind)] {
    var watch = CollapseWatch()
    return run.enumerated().compactMap { step, values in
      watch.note(statistics(values.0, values.1)).map { (step, $0) }
    }
  }

  private func constant(_ spread: Float, _ rank: Float, _ count: Int) -> [(Float, Float)] {
    [(Float, Float)](repeating: (spread, rank), count: count)
  }

  /// Projections that are not numbers: said at once, once, and the process goes on.
  func testDivergence() {
    var watch = CollapseWatch()
    for bad in [Float.nan, .infinity] {
      for places in [[0], Array(0..<24)] {
        var projections = Tensor.ones([4, 6])
        projections.mutate { for place in places { $0[place] = bad } }
        let statistics = ProjectionStatistics(projections)
        XCTAssertTrue(statistics.isDivergent)
        XCTAssertTrue(statistics.effectiveRank.isNaN)
      }
    }
    let learner = byol()
    let optimizer = SGD(learner.parameters, learningRate: 0.5)
    let broken = Tensor.ones([2, 16, 16, 3]) * Float.nan
    let loss = learner.stepLoss(of: ViewPair(first: broken, second: broken))
    XCTAssertEqual(
      watch.warning(of: loss, learner, optimizer: optimizer)?.description,
      "warning: projections became NaN or infinite; the likely cause is a learning rate of 0.5 "
        + "that is too high here")
    XCTAssertNil(watch.warning(of: loss, learner, optimizer: optimizer))
    XCTAssertFalse(statistics(0.5, 3).isDivergent)
  }

  func testWarnsOnceAfterTwentyFlatSteps() {
    let found = warnings(constant(0.8, 25, 5) + constant(0.03, 3, 200))
    XCTAssertEqual(found.map(\.step), [24])
    XCTAssertEqual(found[0].kind, .point)
  }

  func testAFifthOfTheBestSpreadIsFlat() {
    XCTAssertEqual(warnings(constant(0.9, 25, 5) + constant(0.17, 9, 50)).count, 1)
    XCTAssertEqual(warnings(constant(0.9, 25, 5) + constant(0.25, 9, 50)).count, 0)
  }

  func testAFewFlatStepsAreNoCollapse() {
    let dip = constant(0.8, 25, 5) + constant(0.05, 3, 19)
    XCTAssertTrue(warnings(dip + dip + dip).isEmpty)
  }

  func testFewDirections() {
    let found = warnings(constant(0.8, 25, 5) + constant(0.7, 2.5, 40))
    XCTAssertEqual(found.map(\.step), [24])
    XCTAssertEqual(found[0].kind, .fewDirections)
    // Ten of twenty-five are healthy, and so are three where there never were more than four.
    XCTAssertTrue(warnings(constant(0.8, 75, 5) + constant(0.8, 9, 500)).isEmpty)
    XCTAssertTrue(warnings(constant(0.8, 3.7, 5) + constant(0.8, 3, 500)).isEmpty)
  }

  /// Pixels may be alike for a while, as in PixPro's trainings that end well.
  func testPixels() {
    var watch = CollapseWatch()
    func kinds(_ pixelSpread: Float, steps: Int) -> [CollapseWarning.Kind] {
      (0..<steps).compactMap { _ in
        var statistics = statistics(0.8, 25)
        statistics.pixelStd = pixelSpread
        return watch.note(statistics)
      }
    }
    XCTAssertEqual(kinds(0.05, steps: 199) + kinds(0.2, steps: 1), [])
    XCTAssertEqual(kinds(0.05, steps: 300), [.pixels])
  }

  /// A network without norms begins with projections that are alike; a warm-up may keep it there.
  func testASlowStartIsNoCollapse() {
    let start = constant(0.05, 2, 150)
    let rise = (0..<200).map { step -> (Float, Float) in
      let time = Float(step)
      return (0.05 + 0.002 * time, 2 + 0.05 * time)
    }
    XCTAssertTrue(warnings(start + rise + constant(0.45, 12, 500)).isEmpty)
    XCTAssertEqual(warnings(constant(0.05, 2, 300)).map(\.step), [199])
  }

  func testRoundingIsNoRecovery() {
    let noise = (0..<300).map { step -> (Float, Float) in (Float(step % 3 + 1) * 1e-6, 1) }
    XCTAssertEqual(warnings(constant(0.8, 25, 5) + noise).map(\.step), [24])
  }

  func testUnknownStatisticsSayNothing() {
    XCTAssertTrue(warnings(constant(.nan, .nan, 500)).isEmpty)
    XCTAssertTrue(warnings(constant(0.8, 25, 5) + constant(.nan, .nan, 500)).isEmpty)
  }

  // MARK: - Set-ups

  /// The first warning of a watch that looks at healthy statistics.
  private func setupWarning(
    _ learner: some Learner, _ optimizer: any Optimizer, imageCount: Int? = nil,
    after looks: Int = 0
  ) -> String? {
    var watch = CollapseWatch()
    var found: [String] = []
    for look in 0..<30 {
      if look == looks { learner.eval() }
      let warning = watch.warning(
        of: statistics(0.8, 25), learner, optimizer: optimizer, batchSize: 64,
        imageCount: imageCount)
      if let warning {
        XCTAssertEqual(warning.kind, .setup)
        found.append(warning.description)
      }
    }
    XCTAssertLessThan(found.count, 2)
    return found.first
  }

  func testOptimizerWithoutTheHeads() {
    let learner = byol()
    XCTAssertEqual(
      setupWarning(learner, SGD(learner.net.parameters, learningRate: 0.1), after: 99),
      "warning: the optimizer lacks 12 of the 12 parameters of the heads behind the network, which "
        + "will never move; make it of learner.parameters, after the learner")
    let others = learner.parameters.filter { parameter in
      !learner.net.parameters.contains { $0 === parameter }
    }
    let text = setupWarning(learner, SGD(others, learningRate: 0.1), after: 99)
    XCTAssertTrue(text?.contains("the optimizer has none of the network's") == true, text ?? "")
    // Parts of the network, or what is frozen, may be left out.
    let rest = Array(learner.parameters.dropFirst(3))
    XCTAssertNil(setupWarning(learner, SGD(rest, learningRate: 0.1), after: 99))
    for parameter in learner.net.parameters { parameter.isTrainable = false }
    XCTAssertNil(setupWarning(learner, SGD(others, learningRate: 0.1), after: 99))
  }

  func testEvaluationMode() {
    let learner = byol()
    let optimizer = SGD(learner.parameters, learningRate: 0.1)
    let text = setupWarning(learner, optimizer)
    XCTAssertTrue(text?.contains("the learner is in evaluation mode") == true, text ?? "")
    XCTAssertTrue(text?.contains("call learner.train()") == true, text ?? "")
    // Seen later too, but not for ever.
    learner.train()
    XCTAssertNotNil(setupWarning(learner, optimizer, after: 19))
    learner.train()
    XCTAssertNil(setupWarning(learner, optimizer, after: 20))
    learner.train()
    learner.net.eval()
    let other = setupWarning(learner, optimizer, after: 99)
    XCTAssertTrue(other?.contains("the network is in evaluation mode") == true, other ?? "")
    for case let norm as BatchNorm in learner.net.modeDependents { norm.isFrozen = true }
    XCTAssertNil(setupWarning(learner, optimizer, after: 99))
  }

  func testQueueLargerThanTheData() {
    let learner = MoCo(
      net(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 8, queueSize: 100)
    let optimizer = SGD(learner.parameters, learningRate: 0.1)
    XCTAssertEqual(
      setupWarning(learner, optimizer, imageCount: 100, after: 99),
      "warning: MoCo's queue of 100 keys is not smaller than the 100 images, so that keys of the "
        + "query's own image are among its negatives; give a queueSize below that")
    XCTAssertNil(setupWarning(learner, optimizer, imageCount: 101, after: 99))
    XCTAssertNil(setupWarning(learner, optimizer, after: 99))
  }

  // MARK: - Real runs

  /// The first warning of a short run on small images, and the loss at its end.
  private func run<L: Learner>(
    _ learner: L, steps: Int = 60, _ optimizer: any Optimizer
  ) -> (warning: CollapseWarning?, loss: Float) {
    let images = Shapes(count: 1_024, size: 16, seed: 0).inMemory()
    let loader = DataLoader(images, batchSize: 64, shuffled: true, dropsLast: true, seed: 0)
    var (watch, warning, last) = (CollapseWatch(), CollapseWarning?.none, Float.nan)
    for (_, batch) in zip(0..<steps, loader.batches()) {
      optimizer.zeroGradients()
      let loss = learner.stepLoss(on: batch.images)
      loss.backward()
      optimizer.step()
      learner.updateMovingAverage()
      last = loss.item
      if let found = watch.warning(
        of: loss, learner, optimizer: optimizer, batchSize: 64)
      {
        XCTAssertNil(warning, "warned twice")
        warning = found
      }
    }
    return (warning, last)
  }

  private func net() -> ResNet {
    withRandomSeed(0) { .resNet10(stem: .small, width: 8) }
  }

  private func byol(useMomentum: Bool = true) -> BYOL {
    BYOL(
      net(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 32, projectionHiddenSize: 128,
      movingAverageDecay: 0.95, useMomentum: useMomentum,
      augmentation: Compose.mocoV2(imageSize: 16, blur: false), seed: 1)
  }

  private func sgd(_ learner: some Learner, _ rate: Float) -> SGD {
    SGD(learner.parameterGroups(weightDecay: 5e-4), learningRate: rate, momentum: 0.9)
  }

  func testHealthyRunsAreNotWarnedOf() {
    for rate in [0.03, 0.1] as [Float] {
      let learner = byol()
      XCTAssertNil(run(learner, sgd(learner, rate)).warning?.description)
    }
    let simSiam = byol(useMomentum: false)
    XCTAssertNil(run(simSiam, SGD.simSiam(simSiam, batchSize: 256)).warning?.description)
    let adam = byol()
    XCTAssertNil(run(adam, Adam(adam.parameters, learningRate: 1e-3)).warning?.description)
  }

  /// Every learner but BYOL and SimSiam.
  private var otherLearners: [any Learner] {
    let augmentation = Compose.mocoV2(imageSize: 16, blur: false)
    return [
      SimCLR(
        net(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 32,
        augmentation: augmentation, seed: 1),
      NNCLR(
        net(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 32,
        projectionHiddenSize: 128, predictorHiddenSize: 128, queueSize: 512,
        augmentation: augmentation, seed: 1),
      NNCLR(
        net(), imageSize: 16, hiddenLayer: "avgpool", variant: .keras, projectionSize: 32,
        queueSize: 512, augmentation: augmentation, seed: 1),
      MoCo(
        net(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 32, queueSize: 512,
        movingAverageDecay: 0.95, augmentation: augmentation, seed: 1),
      BarlowTwins(
        net(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 128,
        augmentation: augmentation, seed: 1),
      VICReg(
        net(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 128,
        augmentation: augmentation, seed: 1),
      PixelCL(
        net(), imageSize: 16, hiddenLayerPixel: "layer3", hiddenLayer: "avgpool",
        projectionSize: 32, projectionHiddenSize: 128, movingAverageDecay: 0.95, seed: 1),
    ]
  }

  func testHealthyRunsOfOtherLearnersAreNotWarnedOf() {
    for learner in otherLearners {
      let warning = run(learner, sgd(learner, 0.03)).warning
      XCTAssertNil(warning?.description, "\(type(of: learner))")
    }
  }

  func testDINOWithoutNormsIsWarnedOf() throws {
    let norms = [false, true]
    let causes = norms.map { normalizesProjections in
      let learner = DINO(
        net(), imageSize: 16, hiddenLayer: "avgpool", prototypeCount: 16, projectionSize: 8,
        projectionHiddenSize: 16, normalizesProjections: normalizesProjections, seed: 1)
      let flat = StepLoss(.zeros([]), projections: .ones([4, 8]))
      var (watch, found) = (CollapseWatch(), CollapseWarning?.none)
      for _ in 0..<200 {
        found = found ?? watch.warning(of: flat, learner, optimizer: sgd(learner, 0.05))
      }
      return found?.causes
    }
    XCTAssertEqual(
      causes[0],
      [
        "a projector without batch norms, whose outputs are alike for long (normalizesProjections: "
          + "true)"
      ])
    XCTAssertEqual(
      causes[1], ["a learning rate of 0.05 that is too high here; try a tenth of it"])
  }

  private func ablated(
    hasPredictor: Bool = false, stopsGradient: Bool
  ) -> MethodLearner<Ablated> {
    MethodLearner(
      net(), Ablated(hasPredictor: hasPredictor, stopsGradient: stopsGradient), imageSize: 16,
      hiddenLayer: "avgpool", augmentation: Compose.mocoV2(imageSize: 16, blur: false), seed: 3)
  }

  func testNoPredictorCollapsesAndIsWarnedOf() throws {
    for stopsGradient in [true, false] {
      let learner = ablated(stopsGradient: stopsGradient)
      let (warning, loss) = run(learner, sgd(learner, 0.05))
      XCTAssertLessThan(loss, 0.05)
      let found = try XCTUnwrap(warning)
      XCTAssertEqual(found.kind, .point)
      XCTAssertEqual(
        found.causes, ["no predictor with weights, which a loss without negatives needs"])
      XCTAssertTrue("\(found)".contains("spread 0.0"), "\(found)")
    }
  }

  /// A predictor does not help where both sides move toward each other.
  func testGradientThroughBothSidesCollapsesAndIsWarnedOf() throws {
    func learner(stopsGradient: Bool) -> MethodLearner<Ablated> {
      ablated(hasPredictor: true, stopsGradient: stopsGradient)
    }
    let stopped = learner(stopsGradient: true)
    XCTAssertNil(run(stopped, sgd(stopped, 0.05)).warning?.description)
    let collapsing = learner(stopsGradient: false)
    let (warning, loss) = run(collapsing, sgd(collapsing, 0.05))
    XCTAssertLessThan(loss, 0.05)
    let found = try XCTUnwrap(warning)
    XCTAssertEqual(found.kind, .point)
    XCTAssertEqual(
      found.causes,
      [
        "a learning rate of 0.05 that is too high here; try a tenth of it",
        "a loss of your own whose gradient reaches the targets",
      ])
  }

  /// Projections that move to a few directions while they stay apart.
  func testTooHighARateIsWarnedOf() throws {
    let learner = byol(useMomentum: false)
    let (warning, _) = run(learner, steps: 80, Adam(learner.parameters, learningRate: 0.2))
    XCTAssertEqual(try XCTUnwrap(warning).kind, .fewDirections)
    XCTAssertEqual(
      warning?.causes, ["a learning rate of 0.2, where Adam usually has 0.005 at most"])
  }

  /// Made to collapse by the test: all images are one image.
  func testCausesFitTheLearner() {
    func causes(_ learner: some Learner, batchSize: Int?) -> [String] {
      let optimizer = sgd(learner, 0.125)
      var watch = CollapseWatch()
      for _ in 0..<5 { _ = watch.note(statistics(0.8, 25)) }
      let ones = Tensor.ones([8, 16, 16, 3])
      let loss = learner.stepLoss(of: .init(ViewPair(first: ones, second: ones)))
      for _ in 0..<30 {
        if let found = watch.warning(
          of: loss, learner, optimizer: optimizer, batchSize: batchSize)
        {
          return found.causes
        }
      }
      return []
    }
    let rate = "a learning rate of 0.125 that is too high here; try a tenth of it"
    let gradient = "a loss of your own whose gradient reaches the targets"
    XCTAssertEqual(causes(byol(), batchSize: nil), [rate, gradient])
    XCTAssertEqual(causes(byol(), batchSize: 8), ["a batch of only 8 images"])
    let moCo = MoCo(
      net(), imageSize: 16, hiddenLayer: "avgpool", projectionSize: 8, queueSize: 8)
    XCTAssertEqual(causes(moCo, batchSize: 64), [rate])
  }

  func testTheOptimizersLearningRateIsNamed() throws {
    let learner = ablated(stopsGradient: false)
    let adam = run(learner, Adam(learner.parameters, learningRate: 0.2)).warning
    let text = try XCTUnwrap(adam).description
    XCTAssertTrue(text.contains("is a learning rate of 0.2, where Adam"), text)
  }
}

/// SimSiam with or without a predictor, and with or without its stop of gradients: a method of a user's
/// own.
private struct Ablated: LearningMethod {
  struct Parts: MethodParts {
    let projector: any Module
    let predictor: any Module
  }

  let hasPredictor: Bool
  let stopsGradient: Bool

  func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> Parts {
    Parts(
      projector: Heads.byol(backbone.width, hidden: 128, outputs: 32),
      predictor: hasPredictor ? Heads.byol(32, hidden: 128, outputs: 32) : Identity())
  }

  func loss(of views: ViewPair, in pass: Pass<Parts>) -> StepLoss {
    let projections = pass.project(views)
    let predictions = pass.apply(pass.parts.predictor, projections)
    return StepLoss(
      regression(predictions.first, projections.second)
        + regression(predictions.second, projections.first), projections: projections.first)
  }

  private func regression(_ predictions: Tensor, _ targets: Tensor) -> Tensor {
    stopsGradient
      ? byolLoss(predictions, onto: targets)
      : 2 - 2 * cosineSimilarity(predictions, targets).mean()
  }
}
