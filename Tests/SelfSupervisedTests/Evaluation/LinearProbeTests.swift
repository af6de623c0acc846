import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class LinearProbeTests: XCTestCase {
  /// Noisy scores of the classes themselves, far from zero and of a small scale.
  private func rows(_ name: String, count: Int) -> (features: Tensor, labels: [Int]) {
    let labels = Formula.integers(name, count).map { $0 % 4 }
    let noise = formula(name + "/noise", [count, 4])
    return (0.01 * (Tensor.oneHot(labels, classCount: 4) + 0.4 * noise) + 3, labels)
  }

  func testSeparableClassesAreFound() {
    let (train, test) = (rows("train", count: 300), rows("test", count: 100))
    let probe = LinearProbe(train.features, labels: train.labels, epochs: 20)
    XCTAssertEqual(probe.classCount, 4)
    XCTAssertEqual(probe.accuracy(test.features, labels: test.labels), 1)
    XCTAssertEqual(probe.predict(test.features), test.labels)
  }

  /// The best of the trials, of equally good ones that of the lowest loss, and it does well on other
  /// rows.
  func testTheBestRateIsTaken() {
    let (train, test) = (rows("train", count: 400), rows("test", count: 100))
    let noisy = train.features + 0.02 * formula("more", [400, 4])
    let rates: [Float] = [100, 10, 1, 0.1, 0.01]
    let probe = LinearProbe(
      noisy, labels: train.labels, learningRates: rates, epochs: 10, batchSize: 64)
    XCTAssertEqual(probe.trials.map(\.learningRate), rates)
    let best = probe.trials.map(\.accuracy).max()
    XCTAssertNotEqual(best, probe.trials.map(\.accuracy).min())
    XCTAssertEqual(
      probe.learningRate,
      probe.trials.filter { $0.accuracy == best }.min { $0.loss < $1.loss }?.learningRate)
    XCTAssertGreaterThan(probe.accuracy(test.features, labels: test.labels), 0.9)
  }

  /// Of few rows, a rate at which the layer is right and far from done is not taken.
  func testFewRowsAreJudgedInTurnAndByTheirLoss() {
    let train = rows("few", count: 60)
    let probe = LinearProbe(
      train.features, labels: train.labels, learningRates: [1e-4, 0.3], epochs: 20, batchSize: 16)
    XCTAssertEqual(probe.trials.map(\.accuracy), [1, 1])
    XCTAssertGreaterThan(probe.trials[0].loss, probe.trials[1].loss)
    XCTAssertEqual(probe.learningRate, 0.3)
    // Five parts of six rows: accuracies are thirtieths.
    let noisy = LinearProbe(
      train.features + 0.02 * formula("more", [60, 4]), labels: train.labels, epochs: 3)
    for trial in noisy.trials {
      XCTAssertEqual((trial.accuracy * 30).rounded(), trial.accuracy * 30, accuracy: 1e-4)
    }
    XCTAssertTrue(
      noisy.trials.contains { abs(($0.accuracy * 6).rounded() - $0.accuracy * 6) > 1e-3 })
  }

  func testOneRateIsTakenWithoutTrial() {
    let train = rows("train", count: 60)
    let probe = LinearProbe(
      train.features, labels: train.labels, learningRates: [0.3], epochs: 5)
    XCTAssertTrue(probe.trials.isEmpty)
    XCTAssertEqual(probe.learningRate, 0.3)
  }

  func testTheSameSeedGivesTheSameProbe() {
    let (train, test) = (rows("train", count: 100), rows("test", count: 50))
    let noisy = train.features + 0.02 * formula("more", [100, 4])
    let probes = [0, 0, 1].map {
      LinearProbe(noisy, labels: train.labels, epochs: 3, batchSize: 32, seed: $0)
    }
    let found = probes.map { $0.predict(test.features + 0.02 * formula("rest", [50, 4])) }
    XCTAssertEqual(found[0], found[1])
    XCTAssertEqual(probes[0].trials.map(\.accuracy), probes[1].trials.map(\.accuracy))
    XCTAssertNotEqual(probes[0].trials.map(\.accuracy), probes[2].trials.map(\.accuracy))
  }

  /// The probe sees what the network gives, and the network stays as it is, to the bit.
  func testTheNetworkStaysAsItIs() {
    let net = withRandomSeed(3) { PlainCNN() }
    let learner = SimCLR.small(net)
    let before = bits(of: net, learner.projector)
    let images = Formula.images("probe", view: 1, 24, size: 16)
    let probe = LinearProbe(
      learner.represent(images).embedding, labels: (0..<24).map { $0 % 3 }, epochs: 5)
    XCTAssertEqual(probe.predict(learner.represent(images).embedding).count, 24)
    XCTAssertEqual(bits(of: net, learner.projector), before)
  }
}
