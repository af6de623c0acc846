import Foundation
import Tensor
import XCTest

@testable import SelfSupervised

final class CrossValidatedKNNTests: XCTestCase {
  /// scikit-learn 1.x: the number of the split in which StratifiedKFold(k) tests each row.
  func testFoldsAreScikitLearns() {
    for (labels, count, folds) in [
      ([0, 0, 1, 1, 2, 2, 0, 1, 2, 0], 3, [0, 0, 0, 1, 0, 1, 1, 2, 2, 2]),
      (
        [3, 1, 3, 1, 1, 3, 3, 2, 2, 1, 3, 2], 5, [0, 0, 1, 1, 2, 2, 3, 0, 1, 3, 4, 4]
      ),
      ([1, 1, 1, 0, 0, 0, 0], 2, [0, 0, 1, 0, 0, 1, 1]),
    ] {
      XCTAssertEqual(stratifiedFolds(labels, count: count), folds)
    }
  }

  func testSeparableClassesAreAllRight() {
    let features = Tensor(
      (0..<20).flatMap { [$0 % 2 == 0 ? 1 : -1, Float($0) / 100] }, shape: [20, 2])
    let labels = (0..<20).map { $0 % 2 }
    XCTAssertEqual(crossValidatedKNN(features, labels: labels), 1)
    XCTAssertEqual(crossValidatedKNN(features, labels: labels, k: 3, folds: 4), 1)
    XCTAssertEqual(crossValidatedKNN(features, labels: labels.map { 1 - $0 }), 1)
  }

  func testNearestNeighbourOutsideTheFoldDecides() {
    let degrees: [Float] = [0, 10, 20, 100, 110, 120]
    let features = Tensor(
      degrees.flatMap { [cosf($0 * .pi / 180), sinf($0 * .pi / 180)] }, shape: [6, 2])
    let labels = [0, 0, 1, 1, 1, 0]
    XCTAssertEqual(stratifiedFolds(labels, count: 2), [0, 0, 0, 1, 1, 1])
    // 0, 10, 20 are called 1 after 100: one of three is right; 100, 110, 120 are called 1 after 20:
    // two of three.
    XCTAssertEqual(crossValidatedKNN(features, labels: labels, folds: 2), 0.5)
  }
}
