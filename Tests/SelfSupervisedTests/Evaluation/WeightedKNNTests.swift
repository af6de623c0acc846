import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class WeightedKNNTests: XCTestCase {
  /// The classifier from its formula, in double precision; the lowest index and label win ties.
  private func slowPredict(
    _ query: [Float], bank: [[Float]], labels: [Int], k: Int, temperature: Double
  ) -> Int {
    func unit(_ x: [Float]) -> [Double] {
      let length = x.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      return x.map { Double($0) / max(length, 1e-12) }
    }
    let query = unit(query)
    let cosines = bank.map { row in zip(unit(row), query).reduce(0) { $0 + $1.0 * $1.1 } }
    let nearest = cosines.indices.sorted { (-cosines[$0], $0) < (-cosines[$1], $1) }.prefix(k)
    var votes: [Int: Double] = [:]
    for index in nearest { votes[labels[index], default: 0] += exp(cosines[index] / temperature) }
    return votes.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key ?? -1
  }

  private func rows(_ x: Tensor) -> [[Float]] { (0..<x.shape[0]).map { x[$0..<$0 + 1].scalars } }

  func testEqualsTheSlowTwin() {
    let bank = Tensor(Formula.centred("bank", 60 * 5), shape: [60, 5])
    let queries = Tensor(Formula.centred("queries", 40 * 5), shape: [40, 5])
    let labels = Formula.integers("labels", 60).map { $0 % 7 }
    for (k, temperature): (Int, Float) in [(1, 0.07), (5, 0.07), (20, 0.1), (500, 0.5), (3, 0.001)]
    {
      let knn = WeightedKNN(bank, labels: labels, k: k, temperature: temperature)
      let expected = rows(queries).map {
        slowPredict(
          $0, bank: rows(bank), labels: labels, k: k, temperature: Double(max(temperature, 0.002)))
      }
      if temperature < 0.002 {
        // The nearest alone decides, and nothing overflows.
        let nearest = WeightedKNN(bank, labels: labels, k: 1).predict(queries)
        XCTAssertGreaterThan(zip(knn.predict(queries), nearest).filter { $0 == $1 }.count, 36)
      } else {
        XCTAssertEqual(knn.predict(queries), expected, "k \(k)")
      }
    }
  }

  func testTiesGoToTheLowestIndexThenTheLowestLabel() {
    let bank = Tensor([1, 0, 1, 0, 2, 0, 0, 1], shape: [4, 2])
    let query = Tensor([3, 0], shape: [1, 2])
    XCTAssertEqual(WeightedKNN(bank, labels: [5, 2, 2, 0], k: 1).predict(query), [5])
    XCTAssertEqual(WeightedKNN(bank, labels: [5, 2, 2, 0], k: 2).predict(query), [2])
    XCTAssertEqual(WeightedKNN(bank, labels: [5, 5, 2, 0], k: 3).predict(query), [5])
    XCTAssertEqual(WeightedKNN(bank, labels: [5, 2, 2, 0], k: 400).k, 4)
  }

  /// 20,000 queries against 1,000 rows are two chunks.
  func testChunksGiveTheSame() {
    let bank = Tensor(Formula.centred("bank", 1_000 * 4), shape: [1_000, 4])
    let labels = (0..<1_000).map { $0 % 10 }
    let queries = Tensor(Formula.centred("queries", 20_000 * 4), shape: [20_000, 4])
    let knn = WeightedKNN(bank, labels: labels, k: 5)
    let whole = knn.predict(queries)
    let parts = stride(from: 0, to: 20_000, by: 2_500).flatMap {
      knn.predict(queries[$0..<$0 + 2_500])
    }
    XCTAssertEqual(whole.count, 20_000)
    XCTAssertEqual(whole, parts)
  }

  func testNeighborsAreThoseThatVote() {
    let bank = Tensor([1, 0, 1, 1, 0, 1, -1, 0], shape: [4, 2])
    let knn = WeightedKNN(bank, labels: [0, 1, 2, 3], k: 2)
    let queries = Tensor([3, 0, 0, 0.5], shape: [2, 2])
    let found = knn.neighbors(of: queries)
    XCTAssertEqual(found.map(\.indices), [[0, 1], [2, 1]])
    for neighbors in found {
      XCTAssertEqual(neighbors.similarities[0], 1, accuracy: 1e-6)
      XCTAssertEqual(neighbors.similarities[1], 0.707_106_8, accuracy: 1e-6)
    }
    XCTAssertEqual(knn.neighbors(of: queries, k: 9).map(\.indices.count), [4, 4])
    XCTAssertEqual(knn.neighbors(of: queries, k: 1).map(\.indices), [[0], [2]])
  }

  func testAccuracy() {
    let bank = Tensor.identity(3)
    let knn = WeightedKNN(bank, labels: [0, 1, 2], k: 1)
    XCTAssertEqual(knn.accuracy(bank * 4, labels: [0, 1, 2]), 1)
    XCTAssertEqual(knn.accuracy(bank, labels: [0, 2, 1]), 1 / 3)
  }
}
