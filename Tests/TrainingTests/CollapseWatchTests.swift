import Datasets
import Nets
import Tensor
import XCTest

@testable import SelfSupervised

final class CollapseWatchTests: XCTestCase {
  // MARK: - Statistics made up

  private func statistics(_ spread: Float, _ rank: Float) -> LearnerStatistics {
    var statistics = LearnerStatistics()
    (statistics.spread, statistics.effectiveRank) = (spread, rank)
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
        let statistics = LearnerStatistics(projections)
        XCTAssertTrue(statistics.isDivergent)
        XCTAssertTrue(statistics.effectiveRank.isNaN)
      }
    }
    let learner = BYOL.small(PlainCNN())
    let optimizer = SGD(learner.parameters, learningRate: 0.5)
    let broken = Tensor.ones([2, 16, 16, 3]) * Float.nan
    _ = learner.loss(broken, broken)
    XCTAssertEqual(
      watch.warning(learner, optimizer: optimizer)?.description,
      "warning: projections are not numbers any more; the likely cause is a learning rate of 0.5 "
        + "that is too high here")
    XCTAssertNil(watch.warning(learner, optimizer: optimizer))
    XCTAssertFalse(LearnerStatistics().isDivergent)
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
        var statistics = LearnerStatistics()
        (statistics.spread, statistics.effectiveRank) = (0.8, 25)
        statistics.pixelSpread = pixelSpread
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
      let loss = learner(batch.images)
      loss.backward()
      optimizer.step()
      learner.updateMovingAverage()
      last = loss.item
      if let found = watch.warning(learner, optimizer: optimizer, batchSize: 64) {
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
        net(), imageSize: 16, hiddenLayerPixel: "layer3", hiddenLayerInstance: "avgpool",
        projectionSize: 32, projectionHiddenSize: 128, movingAverageDecay: 0.95, seed: 1),
    ]
  }

  func testHealthyRunsOfOtherLearnersAreNotWarnedOf() {
    for learner in otherLearners {
      let warning = run(learner, sgd(learner, 0.03)).warning
      XCTAssertNil(warning?.description, "\(type(of: learner))")
    }
  }

  func testNoPredictorCollapsesAndIsWarnedOf() throws {
    for stopsGradient in [true, false] {
      let learner = withRandomSeed(1) { Ablated(net(), stopsGradient: stopsGradient) }
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
    func learner(stopsGradient: Bool) -> Ablated {
      withRandomSeed(1) {
        Ablated(
          net(), predictor: Heads.byol(32, hidden: 128, outputs: 32), stopsGradient: stopsGradient)
      }
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
    func causes<L: Learner>(_ learner: L, batchSize: Int?) -> [String] where L.Views == ViewPair {
      let optimizer = sgd(learner, 0.125)
      var watch = CollapseWatch()
      for _ in 0..<5 { _ = watch.note(statistics(0.8, 25)) }
      _ = learner.loss(.ones([8, 16, 16, 3]), .ones([8, 16, 16, 3]))
      for _ in 0..<30 {
        if let found = watch.warning(learner, optimizer: optimizer, batchSize: batchSize) {
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
    let learner = withRandomSeed(1) { Ablated(net(), stopsGradient: false) }
    let adam = run(learner, Adam(learner.parameters, learningRate: 0.2)).warning
    let text = try XCTUnwrap(adam).description
    XCTAssertTrue(text.contains("is a learning rate of 0.2, where Adam"), text)
  }
}

/// SimSiam with any predictor, none by default, and with or without its stop of gradients.
private final class Ablated: Learner {
  let encoder: Encoder
  let projector: any Module
  let predictor: any Module
  let stopsGradient: Bool
  var stream = RandomStream(seed: 3)
  private(set) var statistics = LearnerStatistics()

  init(_ net: any Module, predictor: any Module = Identity(), stopsGradient: Bool) {
    encoder = Encoder(net, hiddenLayer: "avgpool", inputShape: [16, 16, 3])
    projector = Heads.byol(encoder.width, hidden: 128, outputs: 32)
    self.predictor = predictor
    self.stopsGradient = stopsGradient
  }

  var parts: [(name: String, part: any Stateful)] {
    [("net", net), ("projector", projector), ("predictor", predictor)]
  }

  func views(of images: Tensor) -> ViewPair {
    let augmentation = Compose.mocoV2(imageSize: 16, blur: false)
    return ViewPair(of: images, by: (augmentation, augmentation), using: stream.split())
  }

  func loss(_ views: ViewPair) -> Tensor {
    let (first, second) = (project(views.first), project(views.second))
    statistics = LearnerStatistics(first)
    return regression(predictor(first), second) + regression(predictor(second), first)
  }

  private func regression(_ predictions: Tensor, _ targets: Tensor) -> Tensor {
    stopsGradient
      ? cosineRegression(predictions, onto: targets)
      : 2 - 2 * cosineSimilarity(predictions, targets).mean()
  }
}
