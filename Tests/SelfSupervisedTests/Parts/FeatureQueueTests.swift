import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class FeatureQueueTests: XCTestCase {
  /// Rows whose one feature counts up from `start`.
  private func rows(_ start: Int, _ count: Int) -> Tensor {
    Tensor((start..<start + count).map { Float($0) }, shape: [count, 1])
  }

  /// Batches of any size against a list that forgets its first.
  func testHoldsTheNewestRowsWhateverTheBatches() {
    for capacity in [1, 3, 7, 10] {
      let queue = FeatureQueue(capacity: capacity, width: 1)
      var (expected, next) = ([Float](), 0)
      for size in [1, 4, 2, 0, 7, 10, 11, 25, 3, 3] {
        queue.append(rows(next, size))
        expected += (next..<next + size).map { Float($0) }
        expected = Array(expected.suffix(capacity))
        next += size
        XCTAssertEqual(queue.rows.scalars.sorted(), expected)
        XCTAssertEqual(queue.count, expected.count)
      }
    }
  }

  func testPlacesWithoutARowAreNotHandedOut() {
    let queue = FeatureQueue(capacity: 5, width: 2)
    XCTAssertEqual(queue.rows.shape, [0, 2])
    queue.append(.ones([3, 2]))
    XCTAssertEqual(queue.rows.shape, [3, 2])
    XCTAssertTrue(queue.rows.scalars.allSatisfy { $0 == 1 })
  }

  func testRowsHandedOutStayAsTheyWere() {
    let queue = FeatureQueue(capacity: 2, width: 1)
    queue.append(rows(0, 2))
    let before = queue.rows
    queue.append(rows(5, 1))
    XCTAssertEqual(before.scalars, [0, 1])
    XCTAssertEqual(queue.rows.scalars, [5, 1])
  }

  func testRowsAreNotTracked() {
    let queue = FeatureQueue(capacity: 4, width: 3)
    queue.append(Parameter(.ones([2, 3])).value * 2)
    XCTAssertFalse(queue.rows.isTracked)
  }

  func testStateGoesOnWhereItWas() throws {
    for count in [2, 9] {
      let (first, second) = (
        FeatureQueue(capacity: 4, width: 1), FeatureQueue(capacity: 4, width: 1)
      )
      first.append(rows(0, count))
      try second.load(first.state)
      for queue in [first, second] { queue.append(rows(20, 3)) }
      XCTAssertEqual(first.rows.scalars, second.rows.scalars)
      XCTAssertEqual(first.position, second.position)
    }
  }

  func testStateThatDoesNotFitChangesNothing() {
    let queue = FeatureQueue(capacity: 4, width: 1)
    for start in [0, 3] { queue.append(rows(start, 3)) }
    let (before, position) = (queue.rows.scalars, queue.position)
    var crooked = FeatureQueue(capacity: 4, width: 1).state
    crooked.notes["position"] = "4"
    var nameless = queue.state
    nameless.notes["count"] = nil
    let others = [
      FeatureQueue(capacity: 5, width: 1).state, FeatureQueue(capacity: 4, width: 2).state,
      crooked, nameless, State(queue.state.entries), State([], notes: queue.state.notes),
      State(
        queue.state.entries + [State.Entry("more", .ones([1]))], notes: queue.state.notes),
    ]
    for other in others {
      XCTAssertThrowsError(try queue.load(other)) { XCTAssertTrue($0 is StateError) }
      XCTAssertEqual(queue.rows.scalars, before)
      XCTAssertEqual(queue.position, position)
    }
  }
}
