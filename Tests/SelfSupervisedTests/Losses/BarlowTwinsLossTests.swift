import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class BarlowTwinsLossTests: XCTestCase {
  /// Of two rows the standardised ones are 1 and -1 whatever they were, and gradients are rounding.
  func testMatchesLightly() throws {
    try LightlyLosses().check("barlowTwins", at: [(6, 4), (4, 9), (32, 16)]) {
      barlowTwinsLoss($0, $1)
    }
  }

  /// The pseudocode of the paper, one number after the other.
  private func derivation(_ a: [[Double]], _ b: [[Double]], weight: Double) -> Double {
    let (n, d) = (a.count, a[0].count)
    func standardized(_ x: [[Double]]) -> [[Double]] {
      let mean = (0..<d).map { i in x.map { $0[i] }.reduce(0, +) / Double(n) }
      let distances = x.map { row in zip(row, mean).map { $0 - $1 } }
      let deviation = (0..<d).map { i -> Double in
        let variance = distances.map { $0[i] * $0[i] }.reduce(0, +) / Double(n)
        return (variance + 1e-5).squareRoot()
      }
      return distances.map { row in zip(row, deviation).map { $0 / $1 } }
    }
    let (x, y) = (standardized(a), standardized(b))
    var loss = 0.0
    for i in 0..<d {
      for j in 0..<d {
        let c = (0..<n).map { x[$0][i] * y[$0][j] }.reduce(0, +) / Double(n)
        loss += i == j ? (c - 1) * (c - 1) : weight * c * c
      }
    }
    return loss
  }

  /// More rows than features and fewer: two ways to the same sum.
  func testMatchesThePapersPseudocode() {
    for (count, size) in [(40, 5), (5, 40), (7, 7), (3, 1)] {
      let (a, b) = (formula("barlow/a", [count, size]), formula("barlow/b", [count, size]))
      for weight in [5e-3, 1] as [Float] {
        let expected = derivation(doubles(a), doubles(b), weight: Double(weight))
        let loss = barlowTwinsLoss(a, b, redundancyWeight: weight).item
        XCTAssertEqual(Double(loss), expected, accuracy: 2e-5 * expected)
      }
    }
  }

  func testBothSumsOfSquaredProductsAgree() {
    for (count, size) in [(3, 8), (8, 3), (5, 5)] {
      let (a, b) = (formula("p/a", [count, size]), formula("p/b", [count, size]))
      let whole = square(matmul(a.transposed(), b)).sum().item
      XCTAssertEqual(squaredCrossProducts(a, b, batchRows(a)).item, whole, accuracy: 1e-5 * whole)
    }
  }

  func testClosedForms() {
    // Two features that never vary together, the same in both views: nothing to improve.
    let apart = Tensor([1, 1, 1, -1, -1, 1, -1, -1], shape: [4, 2])
    XCTAssertEqual(barlowTwinsLoss(apart, apart * 3 + 7).item, 0, accuracy: 1e-6)
    // One feature twice: two correlations of one.
    let alike = Tensor([1, 1, 1, 1, -1, -1, -1, -1], shape: [4, 2])
    XCTAssertEqual(barlowTwinsLoss(alike, alike).item, 5e-3 * 2, accuracy: 1e-6)
    // Opposite views: (-1 - 1)² for each feature, the upper bound.
    XCTAssertEqual(barlowTwinsLoss(alike, -alike).item, 4 * 2 + 5e-3 * 2, accuracy: 1e-4)
    // Constant features: the loss of a collapse.
    XCTAssertEqual(barlowTwinsLoss(.ones([6, 9]), .ones([6, 9])).item, 9)
  }

  func testViewsMayBeExchanged() {
    let (a, b) = (formula("s/a", [12, 5]), formula("s/b", [12, 5]))
    XCTAssertEqual(barlowTwinsLoss(a, b).item, barlowTwinsLoss(b, a).item, accuracy: 1e-5)
    XCTAssertEqual(
      barlowTwinsLoss(a, b).item, barlowTwinsLoss(a * 5 - 1, b * 0.5 + 3).item, accuracy: 1e-3)
  }
}
