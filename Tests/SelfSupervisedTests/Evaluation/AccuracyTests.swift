import SelfSupervised
import XCTest

final class AccuracyTests: XCTestCase {
  private let logits = Tensor(
    [
      0.1, 0.7, 0.2,  //
      3, -1, 2,  //
      -5, -6, -4,  //
      1, 1, 0,
    ], shape: [4, 3])

  func testTheLargestScoreNamesTheClass() {
    XCTAssertEqual(accuracy(logits, labels: [1, 0, 2, 0]), 1)
    // Of two that are equal the first one.
    XCTAssertEqual(accuracy(logits, labels: [1, 2, 1, 1]), 0.25)
  }

  func testTheClassMayBeAmongTheLargest() {
    XCTAssertEqual(accuracy(logits, labels: [0, 1, 1, 2], top: 1), 0)
    XCTAssertEqual(accuracy(logits, labels: [2, 2, 0, 1], top: 2), 1)
    XCTAssertEqual(accuracy(logits, labels: [0, 2, 0, 2], top: 2), 0.5)
    XCTAssertEqual(accuracy(logits, labels: [0, 1, 1, 2], top: 3), 1)
  }

  /// By ranks: a class is among the largest `k` if fewer than `k` stand before it.
  func testIsWhatRanksSay() {
    var stream = RandomStream(seed: 1)
    let scores = Tensor.normal([50, 7], using: &stream)
    let labels = (0..<50).map { $0 * 3 % 7 }
    let rows = (0..<50).map { scores[$0].scalars }
    for k in 1...7 {
      let right = zip(rows, labels).count { row, label in row.count { $0 > row[label] } < k }
      XCTAssertEqual(accuracy(scores, labels: labels, top: k), Float(right) / 50)
    }
    XCTAssertEqual(
      accuracy(scores, labels: labels),
      Float(zip(scores.argmax(), labels).count { $0 == $1 }) / 50)
  }

  func testARowThatIsNoNumbersIsWrong() {
    let broken = Tensor([.nan, 1, 0, 2, 5, .nan], shape: [2, 3])
    XCTAssertEqual(accuracy(broken, labels: [0, 2]), 0)
    XCTAssertEqual(accuracy(broken, labels: [0, 1], top: 3), 0)
  }
}
