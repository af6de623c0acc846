import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class BYOLTests: XCTestCase {
  private func views(_ size: Size2D = 16, channels: Int = 3, count: Int = 4) -> (Tensor, Tensor) {
    let make = { Formula.images("byol", view: $0, count, size: size, channels: channels) }
    return (make(1), make(2))
  }

  private func check(
    _ learner: BYOL, _ views: (Tensor, Tensor), file: StaticString = #filePath, line: UInt = #line
  ) {
    let loss = learner.loss(views.0, views.1)
    XCTAssertTrue((0...8).contains(loss.item), file: file, line: line)
    loss.backward()
    let trained = learner.parameters.filter { $0.gradient != nil }
    XCTAssertGreaterThan(trained.count, 8, file: file, line: line)
    XCTAssertTrue(
      trained.allSatisfy { $0.gradient?.norm().item.isFinite == true }, file: file, line: line)
  }

  // MARK: - Construction

  func testConstructionChangesNothingOfTheNetwork() {
    let net = PlainCNN()
    net.norm.runningMean.value = Tensor(Formula.centred("mean", 6))
    net.norm.mode = .evaluation
    let (before, stream) = (bits(of: net), net.dropout.stream)
    for useMomentum in [true, false] { _ = BYOL.small(net, useMomentum: useMomentum) }
    XCTAssertEqual(bits(of: net), before)
    XCTAssertEqual(net.dropout.stream, stream)
    XCTAssertEqual(net.norm.mode, .evaluation)
    XCTAssertEqual(net.dropout.mode, .training)
    XCTAssertTrue(net.parameters.allSatisfy { $0.gradient == nil })
  }

  func testParametersAreCompleteFromTheStart() {
    let net = PlainCNN()
    let learner = BYOL.small(net)
    let (first, second) = views()
    let before = learner.parameters.map(ObjectIdentifier.init)
    XCTAssertEqual(before.count, net.parameters.count + 6 + 6)
    learner.loss(first, second).backward()
    XCTAssertEqual(learner.parameters.map(ObjectIdentifier.init), before)
    // All but the classifier behind the tapped layer.
    for parameter in learner.parameters {
      XCTAssertEqual(parameter.gradient == nil, net.fc.parameters.contains { $0 === parameter })
    }
  }

  /// BYOL's paper has heads of 4,096, SimSiam's authors have the width of the features and a quarter of the
  /// projection.
  func testUsualSizesOfHeads() {
    func matrices(_ module: any Module) -> [TensorShape] {
      module.parameters.map(\.shape).filter { $0.rank == 2 }
    }
    let byol = BYOL(PlainCNN(), imageSize: 16, hiddenLayer: "pool", seed: 1)
    XCTAssertEqual(matrices(byol.projector), [[4_096, 8], [256, 4_096]])
    XCTAssertEqual(matrices(byol.parts.predictor), [[4_096, 256], [256, 4_096]])
    let simSiam = BYOL(
      PlainCNN(), imageSize: 16, hiddenLayer: "pool", useMomentum: false, seed: 1)
    XCTAssertEqual(matrices(simSiam.projector), [[8, 8], [8, 8], [256, 8]])
    XCTAssertEqual(matrices(simSiam.parts.predictor), [[64, 256], [256, 64]])
  }

  func testNormalizedProjectionsHaveAVarianceOfOne() {
    let learner = BYOL(
      PlainCNN(), imageSize: 16, projectionSize: 6, projectionHiddenSize: 12,
      normalizesProjections: true, seed: 1)
    let projections = learner.project(views().0)
    let variance = projections.variance(axes: [0], correction: 0)
    for value in variance.scalars { XCTAssertEqual(value, 1, accuracy: 1e-2) }
    for value in projections.mean(axes: [0]).scalars { XCTAssertEqual(value, 0, accuracy: 1e-5) }
  }

  func testNormsAndBiasesDoNotDecay() {
    let groups = BYOL.small(PlainCNN()).parameterGroups(weightDecay: 0.1)
    XCTAssertEqual(groups[0].parameters.count, 3 + 4)
    XCTAssertTrue(groups[1].parameters.allSatisfy { $0.shape.rank == 1 })
  }

  func testSeedFixesTheHeads() {
    let net = PlainCNN()
    let learners = [BYOL.small(net), BYOL.small(net)]
    XCTAssertEqual(
      bits(of: learners[0].projector, learners[0].parts.predictor),
      bits(of: learners[1].projector, learners[1].parts.predictor))
  }

  // MARK: - Loss

  func testTargetHasNoGradientAndIsNotTrained() throws {
    let learner = BYOL.small(PlainCNN())
    let target = try XCTUnwrap(learner.parts.target)
    let (first, second) = views()
    let before = target.values.map(\.scalars)
    let optimizer = SGD(learner.parameters, learningRate: 1)
    learner.loss(first, second).backward()
    optimizer.step()
    XCTAssertEqual(target.values.map(\.scalars), before)
    XCTAssertTrue(target.values.allSatisfy { !$0.isTracked })
    learner.updateMovingAverage()
    XCTAssertNotEqual(target.values.map(\.scalars), before)
    learner.resetMovingAverage()
    XCTAssertEqual(
      target.values.map(\.scalars), target.parameters.map { $0.value.scalars })
  }

  func testDecayFollowsItsSchedule() throws {
    let learner = BYOL.small(PlainCNN(), decay: .cosine(from: 0, steps: 1))
    let target = try XCTUnwrap(learner.parts.target)
    let parameter = target.parameters[0]
    let (first, second) = views()
    func step(from value: Tensor) {
      parameter.value = value
      // The target keeps what it had.
      learner.commits.acceptWeights()
      learner.endStep(learner.stepLoss(of: ViewPair(first: first, second: second)))
    }
    step(from: .zeros(parameter.shape))
    XCTAssertTrue(target.values[0].scalars.allSatisfy { $0 == 0 })
    step(from: .ones(parameter.shape))
    XCTAssertTrue(target.values[0].scalars.allSatisfy { $0 == 0 })
    XCTAssertEqual(target.step, 2)
  }

  func testNetworkRunsOncePerViewWithoutMomentum() {
    for (useMomentum, batching, calls) in [
      (false, ViewBatching.separate, 2), (false, .joint, 1), (true, .separate, 4),
      (true, .joint, 2),
    ] {
      let net = Counting(PlainCNN())
      let learner = BYOL.small(
        net, hiddenLayer: "inner.pool", useMomentum: useMomentum, viewBatching: batching)
      let (before, (first, second)) = (net.calls, views())
      learner.loss(first, second).backward()
      XCTAssertEqual(net.calls - before, calls)
    }
  }

  func testLossIsSymmetricInItsViews() {
    let (first, second) = views()
    let net = ResNet.resNet18(stem: .small, width: 4)
    for batching in [ViewBatching.separate, .joint] {
      let learner = BYOL.small(net, hiddenLayer: "avgpool", viewBatching: batching)
      let loss = learner.loss(first, second).item
      XCTAssertEqual(loss, learner.loss(second, first).item, accuracy: 1e-4)
    }
  }

  func testStandardDeviationTellsPointsApart() {
    let learner = BYOL.small(PlainCNN())
    let (first, second) = views(count: 16)
    let apart = learner.stepLoss(of: ViewPair(first: first, second: second))
    XCTAssertGreaterThan(apart.statistics.projectionStd, 0.05)
    let ones = Tensor.ones([4, 16, 16, 3])
    let alike = learner.stepLoss(of: ViewPair(first: ones, second: ones))
    XCTAssertLessThan(alike.statistics.projectionStd, 0.05)
  }

  // MARK: - Representation

  func testRepresentsOneImageAndChangesNothing() {
    let net = PlainCNN()
    let learner = BYOL.small(net)
    let (images, _) = views()
    _ = learner.loss(images, images)
    let before = bits(of: net, learner.projector)
    let one = learner.represent(images[0..<1])
    let all = learner.represent(images)
    XCTAssertEqual(one.projection.shape, [1, 8])
    XCTAssertEqual(one.embedding.shape, [1, 8])
    XCTAssertLessThan(relativeError(one.projection.scalars, all.projection[0..<1].scalars), 1e-5)
    XCTAssertFalse(all.projection.isTracked || all.embedding.isTracked)
    XCTAssertEqual(bits(of: net, learner.projector), before)
    XCTAssertEqual(net.norm.mode, .training)
  }

  // MARK: - Any network

  func testGreyscaleAndFiveChannels() {
    for channels in [1, 5] {
      let learner = BYOL.small(PlainCNN(channels: channels))
      check(learner, views(channels: channels))
    }
  }

  func testImagesThatAreNotSquare() {
    check(BYOL.small(PlainCNN(), imageSize: [16, 24], hiddenLayer: "conv2"), views([16, 24]))
  }

  func testPerceptronOnVectors() {
    for useMomentum in [true, false] {
      let learner = BYOL(
        MLP([20, 32, 10], batchNorm: true), inputShape: [20], projectionSize: 8,
        projectionHiddenSize: 16, useMomentum: useMomentum, augmentation: IdentityAugmentation(),
        secondAugmentation: IdentityAugmentation())
      let rows = (1...2).map { Tensor(Formula.centred("row\($0)", 160), shape: [8, 20]) }
      check(learner, (rows[0], rows[1]))
      XCTAssertEqual(learner.represent(rows[0]).embedding.shape, [8, 32])
    }
  }

  func testGroupNormNetwork() {
    for norm in [ResNet.Norm.group(2), .groupStandardized(2)] {
      let net = ResNet.resNet18(stem: .small, width: 4, norm: norm)
      check(BYOL.small(net, hiddenLayer: "avgpool"), views())
    }
  }
}
