import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class VICRegLossTests: XCTestCase {
  func testMatchesLightly() throws {
    try LightlyLosses().check("vicReg", at: [(6, 4), (4, 9), (32, 16), (2, 3)]) {
      vicRegLoss($0, $1)
    }
  }

  /// The paper's equations, one number after the other.
  private func derivation(_ a: [[Double]], _ b: [[Double]], _ weights: VICRegWeights) -> Double {
    let (n, d) = (a.count, a[0].count)
    var invariance = 0.0
    for (x, y) in zip(a.joined(), b.joined()) { invariance += (x - y) * (x - y) }
    var (lack, redundancy) = (0.0, 0.0)
    for x in [a, b] {
      let mean = (0..<d).map { i in x.map { $0[i] }.reduce(0, +) / Double(n) }
      for i in 0..<d {
        for j in 0..<d {
          let covariance =
            x.map { ($0[i] - mean[i]) * ($0[j] - mean[j]) }.reduce(0, +) / Double(n - 1)
          if i == j {
            lack += max(0, 1 - (covariance + 1e-4).squareRoot()) / Double(d) / 2
          } else {
            redundancy += covariance * covariance / Double(d)
          }
        }
      }
    }
    return Double(weights.invariance) * invariance / Double(n * d)
      + Double(weights.variance) * lack + Double(weights.covariance) * redundancy
  }

  /// More rows than features and fewer: two ways to the same sum.
  func testMatchesThePapersEquations() {
    for (count, size) in [(40, 5), (5, 40), (7, 7), (2, 1)] {
      let a = formula("vic/a", [count, size]) * 2
      let b = formula("vic/b", [count, size]) * 2
      for weights in [
        VICRegWeights(), VICRegWeights(invariance: 1, variance: 0, covariance: 10),
      ] {
        let expected = derivation(doubles(a), doubles(b), weights)
        let loss = vicRegLoss(a, b, weights: weights).item
        XCTAssertEqual(Double(loss), expected, accuracy: 2e-5 * expected)
      }
    }
  }

  func testClosedForms() {
    // Unrelated features of variance above one, the same in both views.
    let apart = Tensor([1, 1, 1, -1, -1, 1, -1, -1], shape: [4, 2])
    XCTAssertEqual(vicRegLoss(apart, apart).item, 0, accuracy: 1e-6)
    // A shift costs its square: 25 · 0.5².
    XCTAssertEqual(vicRegLoss(apart, apart + 0.5).item, 25 * 0.25, accuracy: 1e-4)
    // One feature twice: each view's covariance is 4/3, squared, twice, over two features.
    let alike = Tensor([1, 1, 1, 1, -1, -1, -1, -1], shape: [4, 2])
    XCTAssertEqual(vicRegLoss(alike, alike).item, 2 * 16 / 9, accuracy: 1e-4)
    // Constant features: the loss of a collapse, 25 · (1 - √1e-4).
    XCTAssertEqual(vicRegLoss(.ones([6, 9]), .ones([6, 9])).item, 24.75, accuracy: 1e-4)
  }

  /// One feature has no other that it could vary with, whatever its scale: the loss is zero but for
  /// the rounding of variances.
  func testCovarianceOfOneFeatureIsZero() {
    let weights = VICRegWeights(invariance: 0, variance: 0, covariance: 1)
    for (count, scale): (Int, Float) in [(8_192, 30), (5, 50), (2, 1_000)] {
      let a = formula("vic/one", [count, 1]) * scale
      XCTAssertEqual(vicRegLoss(a, a, weights: weights).item, 0)
    }
  }

  /// Rounding of large sums does not make it negative: unrelated features, more of them than rows.
  func testCovarianceIsNotNegative() {
    let weights = VICRegWeights(invariance: 0, variance: 0, covariance: 1)
    for rows in 2...6 {
      // Each row has a feature of its own, so that all other covariances are small and equal.
      let a = concatenated([Tensor.identity(rows), .zeros([rows, 1])], axis: 1) * 1e4
      XCTAssertGreaterThanOrEqual(vicRegLoss(a, a, weights: weights).item, 0)
    }
    let alone = Tensor([1e4, -1e4], shape: [2, 1]) * Tensor([1, 0, 0], shape: [1, 3])
    XCTAssertEqual(vicRegLoss(alone, alone, weights: weights).item, 0)
  }

  func testViewsMayBeExchanged() {
    let (a, b) = (formula("s/a", [12, 5]), formula("s/b", [12, 5]))
    XCTAssertEqual(vicRegLoss(a, b).item, vicRegLoss(b, a).item, accuracy: 1e-4)
    XCTAssertEqual(vicRegLoss(a, b).item, vicRegLoss(a + 3, b + 3).item, accuracy: 1e-3)
  }

  func testGradientIsFiniteWhereFeaturesAreConstant() {
    let a = Parameter(.ones([4, 3]))
    vicRegLoss(a.value, formula("g", [4, 3])).backward()
    XCTAssertTrue(a.gradient?.scalars.allSatisfy(\.isFinite) == true)
  }
}
