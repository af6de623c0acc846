import Datasets
import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class LearnerTests: XCTestCase {
  func testSpreadOfRandomDirectionsIsOne() {
    var stream = RandomStream(seed: 1)
    let random = Tensor.normal([2_000, 64], using: &stream)
    XCTAssertEqual(projectionStd(random), 1, accuracy: 0.02)
    XCTAssertEqual(projectionStd(random * 100), 1, accuracy: 0.02)
  }

  func testSpreadOfOneDirectionIsZero() {
    let row = Tensor([1, -2, 3, 0.1], shape: [1, 4])
    XCTAssertEqual(projectionStd(concatenated([row, row, row])), 0, accuracy: 1e-6)
    XCTAssertEqual(projectionStd(concatenated([row, row * 5])), 0, accuracy: 1e-6)
    XCTAssertTrue(projectionStd(row).isNaN)
  }

  /// Three of four dimensions that differ, and one that does not.
  func testDeviationsOfEachDimension() {
    var stream = RandomStream(seed: 2)
    let random = Tensor.normal([500, 3], using: &stream)
    let statistics = ProjectionStatistics(concatenated([random, .zeros([500, 1])], axis: 1))
    XCTAssertEqual(statistics.deviations.count, 4)
    XCTAssertEqual(statistics.deviations[3], 0)
    XCTAssertEqual(statistics.deviations[0], (4 / 3 as Float).squareRoot(), accuracy: 0.1)
    XCTAssertEqual(statistics.projectionStd, statistics.deviations.reduce(0, +) / 4)
    XCTAssertEqual(statistics.deadFraction, 0.25)
    XCTAssertTrue(ProjectionStatistics(.ones([1, 4])).deadFraction.isNaN)
  }

  /// Unless augmentations are given, networks see images as they are, and so do ``Learner/represent(_:batchSize:)``
  /// and whoever uses the network afterwards.
  func testNoLearnerNormalizesUnasked() {
    var stream = RandomStream(seed: 3)
    let images = Tensor.uniform([6, 16, 16, 3], in: 0..<1, using: &stream)
    let (net, layer): (PlainCNN, HiddenLayer) = (PlainCNN(), "pool")
    let pairs: [any Learner<ViewPair>] = [
      BYOL(net, imageSize: 16, hiddenLayer: layer, projectionHiddenSize: 8),
      BYOL(net, imageSize: 16, hiddenLayer: layer, useMomentum: false),
      SimCLR(net, imageSize: 16, hiddenLayer: layer),
      NNCLR(net, imageSize: 16, hiddenLayer: layer, projectionHiddenSize: 8, queueSize: 8),
      MoCo(net, imageSize: 16, hiddenLayer: layer, queueSize: 8),
      BarlowTwins(net, imageSize: 16, hiddenLayer: layer, projectionSize: 8),
      VICReg(net, imageSize: 16, hiddenLayer: layer, projectionSize: 8),
    ]
    let pixels = PixelCL(
      net, imageSize: 16, hiddenLayerPixel: "conv2", hiddenLayer: layer,
      projectionHiddenSize: 8
    ).views(of: images).pair
    for views in pairs.map({ $0.views(of: images) }) + [pixels] {
      for view in [views.first, views.second] {
        XCTAssertTrue(view.scalars.allSatisfy { (-1e-5...1.000_01).contains($0) })
      }
    }
  }

  /// With rounded products a learner's loss and its gradients are nearly what they are without; what is
  /// measured of equal projections is equal.
  func testRoundedProducts() throws {
    try XCTSkipUnless(MatmulPrecision.hasBFloat16, "this processor does not multiply bfloat16")
    var stream = RandomStream(seed: 4)
    let views = ViewPair(
      of: Shapes(count: 32, size: 32).images(in: 0..<32),
      by: (Compose.simCLRSmall(), Compose.simCLRSmall()), using: stream.split())
    func run(_ precision: MatmulPrecision) -> (loss: Float, gradients: [Tensor]) {
      // A deeper one at its start makes something else of every rounding, in PyTorch's autocast too.
      let net = withRandomSeed(1) {
        ResNet(
          isBottleneck: true, depths: [1, 1, 1, 1], stem: .small, width: 16,
          zeroInitResidual: true)
      }
      let learner = BYOL(
        net, imageSize: 32, hiddenLayer: "avgpool", projectionHiddenSize: 128, seed: 1)
      let loss = withMatmulPrecision(precision) { learner.loss(views) }
      loss.backward()
      return (loss.item, learner.parameters.compactMap(\.gradient))
    }
    let (exact, rounded) = (run(.float32), run(.bfloat16))
    XCTAssertNotEqual(rounded.loss, exact.loss)
    XCTAssertEqual(rounded.loss, exact.loss, accuracy: 0.02 * exact.loss)
    func product(_ a: [Tensor], _ b: [Tensor]) -> Float {
      zip(a, b).reduce(0) { $0 + ($1.0 * $1.1).sum().item }
    }
    let lengths =
      product(exact.gradients, exact.gradients) * product(rounded.gradients, rounded.gradients)
    XCTAssertGreaterThan(product(exact.gradients, rounded.gradients) / lengths.squareRoot(), 0.97)

    let projections = Tensor.normal([40, 64], using: &stream)
    XCTAssertEqual(
      withMatmulPrecision(.bfloat16) { effectiveRank(projections) }, effectiveRank(projections))
  }

  /// What the network computes may be rounded, what the loss computes may not: of products as small as
  /// this network's nothing is rounded, and the loss has large ones.
  func testLossesAreExactWhateverTheNetworkRounds() throws {
    try XCTSkipUnless(MatmulPrecision.hasBFloat16, "this processor does not multiply bfloat16")
    var stream = RandomStream(seed: 5)
    let (a, b) = (
      Tensor.normal([40, 64], using: &stream), Tensor.normal([40, 64], using: &stream)
    )
    XCTAssertNotEqual(
      withMatmulPrecision(.bfloat16) { ntXent(a, b) }.item, ntXent(a, b).item)
    let images = (1...2).map { Formula.images("exact", view: $0, 40, size: 16) }
    let losses = MatmulPrecision.allCases.map { precision in
      let learner = SimCLR(
        withRandomSeed(1) { SmoothCNN() }, imageSize: 16, hiddenLayer: "pool", projectionSize: 64,
        head: .plain, seed: 1)
      return withMatmulPrecision(precision) { learner.loss(images[0], images[1]).item }
    }
    XCTAssertEqual(losses[0], losses[1])
  }

  // MARK: - Effective rank

  /// k orthogonal directions, each as often as the others, have the rank k exactly.
  func testEffectiveRankOfOrthogonalDirections() {
    for (kinds, size) in [(1, 8), (3, 8), (8, 8), (5, 200)] {
      let rows = (0..<kinds * 6).map { index in
        Tensor((0..<size).map { $0 == index % kinds ? Float(index + 1) : 0 }, shape: [1, size])
      }
      XCTAssertEqual(effectiveRank(concatenated(rows)), Float(kinds), accuracy: 2e-3 * Float(kinds))
    }
  }

  /// Two directions at an angle: singular values √(n(1 ± cos)) of n pairs.
  func testEffectiveRankOfTwoDirectionsAtAnAngle() {
    let cosine: Float = 0.6
    let rows = (0..<10).map { index in
      index.isMultiple(of: 2)
        ? Tensor([1, 0, 0], shape: [1, 3]) : Tensor([cosine, 0, 0.8], shape: [1, 3])
    }
    let values = [(1 + cosine).squareRoot(), (1 - cosine).squareRoot()]
    let shares = values.map { $0 / values.reduce(0, +) }
    let expected = exp(-shares.reduce(0) { $0 + $1 * log($1) })
    XCTAssertEqual(effectiveRank(concatenated(rows)), expected, accuracy: 1e-4)
  }

  func testEffectiveRankIsBoundedByRowsAndSize() {
    var stream = RandomStream(seed: 1)
    for (rows, size) in [(4, 64), (300, 16), (1_000, 512)] {
      let rank = effectiveRank(.normal([rows, size], using: &stream))
      XCTAssertLessThanOrEqual(rank, Float(min(rows, size, 128)) * 1.001)
      XCTAssertGreaterThan(rank, 0.85 * Float(min(rows, size, 128)))
    }
    XCTAssertTrue(effectiveRank(.ones([1, 4])).isNaN)
  }

  // MARK: - Saving

  /// A learner whose views, target, dropout and norms have all moved.
  /// Of more images than go through the network at once.
  func testEmbeddingsAreThoseOfRepresent() {
    let learner = SimCLR(
      withRandomSeed(1) { PlainCNN() }, imageSize: 8, hiddenLayer: "pool", seed: 1)
    let images = Formula.images("embedding", view: 1, 130, size: 8)
    XCTAssertEqual(
      learner.embedding(of: images).scalars,
      learner.represent(images, batchSize: 128).embedding.scalars)
  }

  func testLearnerGoesOnBitForBitFromItsState() throws {
    let images = Formula.images("state", view: 1, 6, size: 16)
    try withTemporaryFolder { folder in
      for useMomentum in [true, false] {
        let learners = (0..<2).map { _ in
          BYOL.small(PlainCNN(), decay: .cosine(from: 0.5, steps: 9), useMomentum: useMomentum)
        }
        _ = learners[0].losses(ofSteps: 3, on: images)
        try learners[0].save(to: folder + "/learner.safetensors")
        try learners[1].load(from: folder + "/learner.safetensors")
        XCTAssertEqual(learners[1].parts.target?.step, learners[0].parts.target?.step)
        let losses = learners.map { $0.losses(ofSteps: 3, on: images) }
        XCTAssertEqual(losses[1], losses[0])
      }
    }
  }

  func testStateOfAnotherLearnerIsRefusedAndChangesNothing() throws {
    let learner = BYOL.small(PlainCNN())
    let before = learner.state
    var other = BYOL.small(PlainCNN(), useMomentum: false).state
    XCTAssertThrowsError(try learner.load(other)) { error in
      XCTAssertTrue("\(error)".contains("projector."), "\(error)")
    }
    other = StateDict(before.entries.dropLast(), metadata: before.metadata)
    XCTAssertThrowsError(try learner.load(other)) { error in
      XCTAssertTrue("\(error)".contains("lacks target.projector."), "\(error)")
    }
    other = StateDict(
      before.entries + [StateDict.Entry("queue.rows", .ones([1]))], metadata: before.metadata)
    XCTAssertThrowsError(try learner.load(other)) { error in
      XCTAssertTrue("\(error)".contains("queue.rows"), "\(error)")
    }
    XCTAssertThrowsError(try learner.load(StateDict(before.entries))) { error in
      XCTAssertTrue("\(error)".contains("lacks stream"), "\(error)")
    }
    var withoutDropout = before
    withoutDropout.metadata["net.dropout.stream"] = nil
    XCTAssertThrowsError(try learner.load(withoutDropout)) { error in
      XCTAssertTrue("\(error)".contains("lacks net.dropout.stream"), "\(error)")
    }
    for (entry, old) in zip(learner.state.entries, before.entries) {
      XCTAssertEqual(entry.value.scalars, old.value.scalars, entry.name)
    }
  }
}
