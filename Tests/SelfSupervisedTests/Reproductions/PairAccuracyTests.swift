import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class PairAccuracyTests: XCTestCase {
  private func features(_ view: Int, _ count: Int = 12, _ size: Int = 5) -> Tensor {
    let noise = Tensor(Formula.centred("pairs/\(view)", count * size), shape: [count, size])
    return Tensor(Formula.centred("pairs", count * size), shape: [count, size]) + 0.6 * noise
  }

  func testKnownAnswers() {
    let a = features(1)
    XCTAssertEqual(contrastiveAccuracy(a, a * 3), 1)
    XCTAssertEqual(correlationAccuracy(a, a * 3 + 1), 1)
    let axes = Tensor.identity(4)
    XCTAssertEqual(contrastiveAccuracy(axes, axes.indexSelect([1, 2, 3, 0])), 0)
    // Two rows in each other's place; the other two right.
    XCTAssertEqual(contrastiveAccuracy(axes, axes.indexSelect([1, 0, 2, 3])), 0.5)
  }

  func testMatchesCounting() {
    let (a, b) = (features(1), features(2))
    func share(_ value: (Int, Int) -> Double, _ count: Int) -> Float {
      let hits = (0..<count).reduce(0) { hits, i in
        let row = (0..<count).max { value(i, $0) < value(i, $1) }
        let column = (0..<count).max { value($0, i) < value($1, i) }
        return hits + (row == i ? 1 : 0) + (column == i ? 1 : 0)
      }
      return Float(hits) / Float(2 * count)
    }
    let similarity = { (i: Int, j: Int) in ContrastTwin.cosine(a.rows[i], b.rows[j]) }
    let rows = share(similarity, 12)
    XCTAssertEqual(contrastiveAccuracy(a, b), rows)
    XCTAssertTrue((0.2..<1).contains(rows))
    let columns = [a, b].map { features in
      features.transposed().rows.map { column in
        column.map { $0 - column.reduce(0, +) / Double(column.count) }
      }
    }
    let correlation = { (i: Int, j: Int) in ContrastTwin.cosine(columns[0][i], columns[1][j]) }
    XCTAssertEqual(correlationAccuracy(a, b), share(correlation, 5))
  }

  func testFeatureThatDoesNotVaryIsWrong() {
    let dead = concatenated([features(1), .ones([12, 1])], axis: 1)
    XCTAssertEqual(correlationAccuracy(dead, dead), 10 / 12, accuracy: 1e-6)
  }
}
