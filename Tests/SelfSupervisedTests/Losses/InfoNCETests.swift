import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class InfoNCETests: XCTestCase {
  /// lightly's NTXentLoss with a memory bank.
  func testMatchesLightly() throws {
    let cases = try LightlyLosses().cases
    for (count, size, negatives) in [(5, 6, 11), (3, 4, 1)] {
      let expected = try XCTUnwrap(cases["momentumContrast/\(count)x\(size)x\(negatives)"])
      let query = Parameter(formula("query", [count, size]))
      let loss = infoNCE(
        query.value, keys: formula("key", [count, size]),
        negatives: l2Normalized(formula("bank", [negatives, size])))
      XCTAssertEqual(Double(loss.item), expected.loss, accuracy: 1e-5 * expected.loss)
      loss.backward()
      XCTAssertLessThan(relativeError(query.gradient?.scalars ?? [], expected.first), 1e-4)
    }
  }

  func testMatchesTheEquation() {
    let (q, k, n) = (
      formula("q", [6, 5]), formula("k", [6, 5]), l2Normalized(formula("n", [9, 5]))
    )
    func units(_ x: Tensor) -> [[Double]] {
      doubles(x).map { row in
        let length = row.map { $0 * $0 }.reduce(0, +).squareRoot()
        return row.map { $0 / length }
      }
    }
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map(*).reduce(0, +) }
    for temperature in [0.07, 0.2, 1] {
      var expected = 0.0
      for (query, key) in zip(units(q), units(k)) {
        let own = exp(dot(query, key) / temperature)
        let others = units(n).map { exp(dot(query, $0) / temperature) }.reduce(0, +)
        expected -= log(own / (own + others)) / 6
      }
      let loss = infoNCE(q, keys: k, negatives: n, temperature: Float(temperature)).item
      XCTAssertEqual(Double(loss), expected, accuracy: 1e-5 * expected)
    }
  }

  func testClosedForms() {
    let same = Tensor.ones([3, 4])
    // All alike: any of 1 + 7 might be the own key.
    XCTAssertEqual(
      infoNCE(same, keys: same, negatives: l2Normalized(.ones([7, 4]))).item, log(8),
      accuracy: 1e-6)
    // Orthogonal negatives: log(1 + n · exp(-1 / τ)).
    let axes = Tensor.identity(4)
    XCTAssertEqual(
      infoNCE(axes[0..<1] * 9, keys: axes[0..<1] * 0.1, negatives: axes[1..<4]).item,
      log(1 + 3 * exp(-5)), accuracy: 1e-6)
    // Small temperatures do not overflow.
    XCTAssertEqual(
      infoNCE(axes[0..<1], keys: axes[1..<2], negatives: axes[0..<1], temperature: 1e-3)
        .item, 1_000, accuracy: 1e-2)
  }

  /// Only directions count, row by row.
  func testLengthsOfQueriesAndKeysChangeNothing() {
    let (q, k, n) = (
      formula("q", [6, 5]), formula("k", [6, 5]), l2Normalized(formula("n", [9, 5]))
    )
    let loss = infoNCE(q, keys: k, negatives: n).item
    let lengths = Tensor([0.03, 0.5, 1, 7, 40, 900], shape: [6, 1])
    for (queries, keys) in [(q * lengths, k), (q, k * lengths), (q * 7, k * 0.03)] {
      XCTAssertEqual(
        infoNCE(queries, keys: keys, negatives: n).item, loss, accuracy: 1e-5 * loss)
    }
  }

  func testWithoutNegativesThereIsNothingToLearn() {
    let query = Parameter(formula("q", [2, 3]))
    let loss = infoNCE(query.value, keys: .ones([2, 3]), negatives: .zeros([0, 3]))
    XCTAssertEqual(loss.item, 0)
    loss.backward()
    XCTAssertTrue(query.gradient?.scalars.allSatisfy { $0 == 0 } == true)
  }

  func testGradientReachesQueriesAlone() {
    let parameters = ["q", "k", "n"].map { Parameter(l2Normalized(formula($0, [4, 4]))) }
    infoNCE(
      parameters[0].value, keys: parameters[1].value, negatives: parameters[2].value
    ).backward()
    XCTAssertNotNil(parameters[0].gradient)
    XCTAssertNil(parameters[1].gradient)
    XCTAssertNil(parameters[2].gradient)
  }
}
