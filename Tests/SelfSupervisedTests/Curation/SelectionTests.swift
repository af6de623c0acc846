import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class SelectionTests: XCTestCase {
  /// Unit vectors at angles in degrees.
  private func directions(_ degrees: [Float]) -> Tensor {
    Tensor(
      degrees.flatMap { [cosf($0 * .pi / 180), sinf($0 * .pi / 180)] },
      shape: [degrees.count, 2])
  }

  func testEachNextRowIsTheFurthest() {
    let features = directions([0, 10, 20, 90, 100, 45])
    // The mean lies at 44.3 degrees; from 45, 100 is 55 away and 0 only 45; then 0 is 45 from both.
    XCTAssertEqual(diverseSelection(of: features, count: 3), [5, 4, 0])
    XCTAssertEqual(diverseSelection(of: features, count: 1, after: [0, 1]), [4])
    XCTAssertEqual(diverseSelection(of: features, count: 2, excluding: [5, 4]), [2, 3])
    XCTAssertEqual(Set(diverseSelection(of: features, count: 99)), Set(0..<6))
  }

  func testOutliersLieFurthestFromTheirNearest() {
    // Columns of mean 3 and deviation 2, and of mean 0 and deviation 4: (±1, ±1) and (±1, ∓1).
    let features = Tensor([1, -4, 5, 4, 1, 4, 5, -4], shape: [4, 2])
    for (k, expected): (Int, Float) in [(1, 2), (2, 2), (3, (16 / 3 as Float).squareRoot())] {
      for score in outlierScores(features, k: k) {
        XCTAssertEqual(score, expected, accuracy: 1e-3)
      }
    }
    var stream = RandomStream(seed: 1)
    let usual = Tensor.normal([200, 5], using: &stream)
    let apart = Tensor.normal([4, 5], using: &stream) * 0.1 + 6
    let scores = outlierScores(concatenated([usual, apart]))
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    XCTAssertEqual(Set(order.prefix(4)), Set(200..<204))
  }
}
