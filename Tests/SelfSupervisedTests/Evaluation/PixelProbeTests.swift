import Foundation
import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class PixelProbeTests: XCTestCase {
  // MARK: - Intersection over union

  func testClosedForms() {
    let labels = [0, 0, 1, 1, 2, 2]
    let right = IntersectionOverUnion(of: labels, labels: labels, classCount: 3)
    XCTAssertEqual(right.ofClasses, [1, 1, 1])
    XCTAssertEqual(right.mean, 1)
    let wrong = IntersectionOverUnion(of: [1, 1, 2, 2, 0, 0], labels: labels, classCount: 3)
    XCTAssertEqual(wrong.ofClasses, [0, 0, 0])
    // All background: 2 of 6 for it, none for the others.
    let nothing = IntersectionOverUnion(
      of: [Int](repeating: 0, count: 6), labels: labels, classCount: 3)
    XCTAssertEqual(nothing.ofClasses, [1 / 3 as Float, 0, 0])
    XCTAssertEqual(nothing.mean, 1 / 9, accuracy: 1e-7)
    // One of two right and one of the others wrong: 1 of 3.
    let half = IntersectionOverUnion(of: [0, 1, 1, 1, 2, 0], labels: labels, classCount: 3)
    XCTAssertEqual(half.ofClasses, [1 / 3 as Float, 2 / 3 as Float, 0.5])
  }

  func testClassesThatDoNotOccurDoNotCount() {
    let found = IntersectionOverUnion(of: [0, 2], labels: [0, 2], classCount: 4)
    XCTAssertEqual(found.ofClasses[0], 1)
    XCTAssertTrue(found.ofClasses[1].isNaN && found.ofClasses[3].isNaN)
    XCTAssertEqual(found.mean, 1)
  }

  // MARK: - The probe

  /// Maps whose channels score the classes themselves, and the classes.
  private func separable(_ name: String, count: Int, classes: Int) -> (maps: Tensor, labels: [Int])
  {
    let labels = Formula.integers(name, count * 20).map { $0 % classes }
    let noise = Tensor(Formula.centred(name, count * 20 * classes), shape: [count * 20, classes])
    let maps = Tensor.oneHot(labels, classCount: classes) * 5 + noise * 0.5 - 40
    return (maps.reshaped([count, 4, 5, classes]), labels)
  }

  func testSeparableClassesAreFound() {
    let (maps, labels) = separable("train", count: 40, classes: 4)
    let (testMaps, testLabels) = separable("test", count: 10, classes: 4)
    let before = maps.scalars
    let probe = PixelProbe(maps, labels: labels, size: [4, 5], learningRate: 0.1)
    XCTAssertEqual(probe.classCount, 4)
    XCTAssertEqual(probe.predict(testMaps), testLabels)
    XCTAssertEqual(probe.intersectionOverUnion(of: testMaps, labels: testLabels).mean, 1)
    XCTAssertEqual(maps.scalars, before)
  }

  func testLossBeginsNearTheLogarithmOfTheClassesAndFalls() {
    let (maps, labels) = separable("train", count: 40, classes: 4)
    let probe = PixelProbe(
      maps, labels: labels, size: [4, 5], epochs: 20, batchSize: 40, learningRate: 0.05)
    XCTAssertEqual(probe.losses.count, 20)
    XCTAssertEqual(probe.losses[0], log(4), accuracy: 1e-4)
    XCTAssertTrue(zip(probe.losses, probe.losses.dropFirst()).allSatisfy { $0 > $1 })
  }

  func testFeaturesThatSayNothingGiveTheCommonestClass() {
    let labels = (0..<800).map { $0 % 4 == 0 ? 1 : 0 }
    let probe = PixelProbe(
      .ones([40, 4, 5, 3]), labels: labels, size: [4, 5], classCount: 3, learningRate: 0.2)
    XCTAssertEqual(Set(probe.predict(.ones([2, 4, 5, 3]))), [0])
    XCTAssertEqual(probe.losses.last ?? 0, -0.75 * log(0.75) - 0.25 * log(0.25), accuracy: 0.01)
  }

  /// A class for each quarter of the map, at three times the map's size.
  func testScoresAreBroughtToTheSizeOfTheLabels() {
    let labels = (0..<6 * 12).map { $0 / 12 / 3 * 2 + $0 % 12 / 6 }
    let quarters = Tensor.oneHot([0, 0, 1, 1, 2, 2, 3, 3], classCount: 4).reshaped([1, 2, 4, 4])
    let maps = concatenated([Tensor](repeating: quarters, count: 8))
    let probe = PixelProbe(
      maps, labels: Array([[Int]](repeating: labels, count: 8).joined()), size: [6, 12],
      epochs: 100, batchSize: 8, learningRate: 0.2)
    XCTAssertEqual(probe.predict(quarters), labels)
  }

  /// A linear layer and an enlargement may be exchanged.
  func testEnlargedScoresAreScoresOfEnlargedFeatures() {
    let maps = Tensor(Formula.centred("maps", 2 * 3 * 4 * 5), shape: [2, 3, 4, 5])
    let layer = withRandomSeed(1) { Linear(5, 6) }
    let (late, early) = (
      resized(layer(maps), to: [9, 10]), layer(resized(maps, to: [9, 10]))
    )
    XCTAssertLessThan(relativeError(late.scalars, early.scalars), 1e-6)
  }

  func testSeedFixesTheResult() {
    let (maps, labels) = separable("train", count: 20, classes: 3)
    let runs = [1, 1, 2].map {
      PixelProbe(maps, labels: labels, size: [4, 5], epochs: 2, batchSize: 6, seed: $0).losses
    }
    XCTAssertEqual(runs[0], runs[1])
    XCTAssertNotEqual(runs[0], runs[2])
  }

  // MARK: - Maps of features

  func testFeatureMapsChangeNothingOfTheNetwork() {
    let net = PlainCNN()
    let images = Formula.images("maps", view: 1, 5, size: [16, 24])
    let before = bits(of: net)
    let maps = featureMaps(of: images, at: "conv2", in: net)
    XCTAssertEqual(maps.shape, [5, 4, 6, 8])
    XCTAssertFalse(maps.isTracked)
    let parts = featureMaps(of: images, at: "conv2", in: net, batchSize: 2)
    XCTAssertLessThan(relativeError(parts.scalars, maps.scalars), 1e-6)
    XCTAssertEqual(bits(of: net), before)
    XCTAssertEqual(net.norm.mode, .training)
    XCTAssertEqual(net.dropout.mode, .training)
  }
}
