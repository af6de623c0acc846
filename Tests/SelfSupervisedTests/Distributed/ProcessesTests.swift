import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// Each method's loss and gradients of several processes are those of one: threads stand for
/// processes.
final class ProcessesTests: XCTestCase {
  /// A network with batch norm, without ReLU, which lets rounding decide near zero.
  private final class Net: Module {
    let conv1 = Conv2d(3, 6, kernelSize: 3, stride: 2, padding: 1)
    let norm = BatchNorm(6)
    let conv2 = Conv2d(6, 8, kernelSize: 3, stride: 2, padding: 1)
    let pool = GlobalAveragePool()
    let fc = Linear(8, 3)

    func forward(_ x: Tensor) -> Tensor {
      fc(pool(tanh(conv2(tanh(norm(conv1(x)))))).flattened(from: 1))
    }
  }

  /// Of different colors: features of noise alone would be nearly the same, and norms would enlarge
  /// their last digits.
  private static func images(_ seed: UInt64) -> Tensor {
    var (colors, stream) = (RandomStream(seed: 7), RandomStream(seed: seed))
    let brightness = Tensor.uniform([count, 1, 1, 3], using: &colors)
    return brightness * .uniform([count, 16, 16, 3], using: &stream)
  }

  /// Norms over eleven rows enlarge rounding a hundredfold. A row that is left out, or counted twice,
  /// changes losses and gradients by a hundredth and more.
  private static let (lossLimit, gradientLimit) = (Float(2e-5), 2e-4)

  private static let count = 11
  private static let views = ViewPair(first: images(1), second: images(2))

  /// What two steps come to, the second with what the first has left in memories and targets.
  private struct Outcome: Sendable {
    var losses: [Float] = []
    var gradients: [Float] = []
    var statistics: [Float] = []
    var metrics: [Float] = []
  }

  private static func outcome<L: Learner>(
    _ make: () -> L, _ group: ProcessGroup
  ) -> Outcome {
    let learner = withRandomSeed(3, make)
    let own = group.slice(of: count)
    var outcome = Outcome()
    for _ in 0..<2 {
      learner.parameters.forEach { $0.gradient = nil }
      let pair = ViewPair(first: views.first[own], second: views.second[own])
      let loss = withProcessGroup(group) {
        let loss = learner.stepLoss(of: L.Views(pair), labels: own.map { $0 % 2 })
        loss.backward()
        return loss
      }
      outcome.losses.append(loss.item)
      outcome.metrics = loss.metrics.map(\.value)
      outcome.gradients = learner.parameters.flatMap {
        ($0.gradient ?? .zeros($0.shape)).scalars
      }
      let sum = GradientSum(learner.parameters, over: group)
      sum.finish()
      SGD(learner.parameters, learningRate: 0.01).step()
      learner.updateMovingAverage()
    }
    outcome.statistics = learner.runningStatistics.flatMap(\.scalars)
    return outcome
  }

  private func check<L: Learner>(
    _ name: String, metrics: Bool = false, _ make: @escaping @Sendable () -> L
  ) {
    let whole = Self.outcome(make, .single)
    for size in 2...3 {
      let parts = ProcessGroup.threads(size) { Self.outcome(make, $0) }
      for step in 0..<2 {
        let loss = parts.reduce(Float(0)) { $0 + $1.losses[step] }
        XCTAssertEqual(
          loss, whole.losses[step], accuracy: Self.lossLimit * abs(whole.losses[step]),
          "\(name) \(size)")
      }
      var sum = [Float](repeating: 0, count: whole.gradients.count)
      for part in parts { for index in sum.indices { sum[index] += part.gradients[index] } }
      XCTAssertLessThan(relativeError(sum, whole.gradients), Self.gradientLimit, "\(name) \(size)")
      for part in parts {
        XCTAssertEqual(part.statistics, parts[0].statistics, "\(name) \(size)")
        XCTAssertLessThan(relativeError(part.statistics, whole.statistics), 1e-6, name)
        if metrics { XCTAssertEqual(part.metrics, whole.metrics, name) }
      }
    }
  }

  func testBYOL() {
    check("byol") { BYOL.small(Net()) }
    check("joint") { BYOL.small(Net(), viewBatching: .joint) }
  }

  func testSimSiam() {
    check("simsiam") {
      SimSiam(Net(), imageSize: 16, hiddenLayer: "pool", projectionSize: 8, seed: 1)
    }
  }

  func testSimCLR() {
    for isDecoupled in [false, true] {
      check("simclr", metrics: true) {
        SimCLR(
          Net(), imageSize: 16, hiddenLayer: "pool", projectionSize: 8, isDecoupled: isDecoupled,
          seed: 1)
      }
    }
  }

  func testNNCLR() {
    for variant in [NNCLRMethod.Variant.paper, .keras] {
      check("nnclr", metrics: false) {
        NNCLR(
          Net(), imageSize: 16, hiddenLayer: "pool", variant: variant, projectionSize: 8,
          projectionHiddenSize: 16, predictorHiddenSize: 16, queueSize: 20, seed: 1)
      }
    }
  }

  func testMoCo() {
    check("moco") {
      MoCo(
        Net(), imageSize: 16, hiddenLayer: "pool", projectionSize: 8, queueSize: 20,
        startsRandom: true, isSymmetric: true, seed: 1)
    }
  }

  func testDINO() {
    check("dino", metrics: false) {
      DINO(
        Net(), imageSize: 16, hiddenLayer: "pool", prototypeCount: 12, projectionSize: 8,
        projectionHiddenSize: 16, seed: 1)
    }
  }

  func testBarlowTwins() {
    // More rows than features, and fewer.
    for size in [6, 24] {
      check("barlow twins") {
        BarlowTwins(Net(), imageSize: 16, hiddenLayer: "pool", projectionSize: size, seed: 1)
      }
    }
  }

  func testVICReg() {
    for size in [6, 24] {
      check("vicreg") {
        VICReg(Net(), imageSize: 16, hiddenLayer: "pool", projectionSize: size, seed: 1)
      }
    }
  }

  func testPixelCL() {
    for variant in PixelVariant.allCases {
      for usesPixPro in [true, false] {
        check("pixelcl \(variant) \(usesPixPro)") {
          PixelCL(
            Net(), imageSize: 16, hiddenLayerPixel: "conv2", hiddenLayer: "pool", projectionSize: 8,
            projectionHiddenSize: 16, usesPixPro: usesPixPro, variant: variant, seed: 1)
        }
      }
    }
  }

  func testViewsOfAPartOfABatchAreThoseOfTheWhole() {
    let learner = BYOL.small(Net())
    let pixels = PixelCL(
      Net(), imageSize: 16, hiddenLayerPixel: "conv2", hiddenLayer: "pool", projectionSize: 8,
      seed: 1)
    let images = Self.images(4)
    let stream = RandomStream(seed: 9)
    let (whole, part) = (
      learner.views(of: images, using: stream),
      withBatchPart(from: 4) { learner.views(of: images[4..<7], using: stream) }
    )
    XCTAssertEqual(part.first.scalars, whole.first[4..<7].scalars)
    XCTAssertEqual(part.second.scalars, whole.second[4..<7].scalars)
    let (all, some) = (
      pixels.views(of: images, using: stream),
      withBatchPart(from: 4) { pixels.views(of: images[4..<7], using: stream) }
    )
    XCTAssertEqual(some.pair.first.scalars, all.pair.first[4..<7].scalars)
    XCTAssertEqual(some.first, Array(all.first[4..<7]))
  }
}
