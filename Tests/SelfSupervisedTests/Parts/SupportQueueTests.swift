import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class SupportQueueTests: XCTestCase {
  private func batch(_ count: Int, _ name: String = "queue", size: Int = 3) -> Tensor {
    Tensor(Formula.centred(name, count * size), shape: [count, size])
  }

  /// Rows that carry their number in one coordinate of a half circle.
  private func numbered(_ numbers: Range<Int>) -> Tensor {
    concatenated(
      numbers.map { number in
        let angle = 0.01 * Float(number)
        return Tensor([cosf(angle), sinf(angle)], shape: [1, 2])
      })
  }

  private func numbers(in queue: SupportQueue) -> [Int] {
    queue.projections.rows.map { Int((100 * atan2($0[1], $0[0])).rounded()) }
  }

  // MARK: - Ring

  func testAnyBatchIntoAnyQueueKeepsTheLastRows() {
    for capacity in [1, 2, 5, 8] {
      for size in [1, 2, 3, 5, 7, 16, 19] {
        let queue = SupportQueue(capacity: capacity, width: 2)
        var ring = [Int](repeating: -1, count: capacity)
        for start in stride(from: 0, to: 4 * size, by: size) {
          queue.push(numbered(start..<start + size), labels: Array(start..<start + size))
          for number in start..<start + size { ring[number % capacity] = number }
          let pushed = min(capacity, start + size)
          XCTAssertEqual(queue.count, pushed)
          XCTAssertEqual(numbers(in: queue), Array(ring[..<pushed]), "\(size) into \(capacity)")
          let found = queue.neighbours(of: queue.projections)
          XCTAssertEqual(found.labels, ring[..<pushed].map { $0 })
        }
      }
    }
  }

  func testRowsAreOfUnitLength() {
    let queue = SupportQueue(capacity: 4, width: 3)
    queue.push(100 * batch(3))
    for row in queue.projections.rows {
      XCTAssertEqual(ContrastTwin.dot(row, row), 1, accuracy: 1e-6)
    }
  }

  func testSnapshotDoesNotMoveWithTheQueue() {
    let queue = SupportQueue(capacity: 4, width: 3)
    queue.push(batch(3))
    let (state, rows) = (queue.state, queue.projections)
    let before = (state.entries.map(\.value.scalars), rows.scalars)
    queue.push(batch(3, "other"))
    XCTAssertEqual(state.entries.map(\.value.scalars), before.0)
    XCTAssertEqual(rows.scalars, before.1)
  }

  // MARK: - Neighbours

  func testNeighboursMatchALookAtEveryRow() {
    let queue = SupportQueue(capacity: 40, width: 3)
    queue.push(batch(33), labels: Array(0..<33))
    let queries = batch(20, "queries") * 7
    let nearest = ContrastTwin.nearest(queries.rows, in: queue.projections.rows)
    let found = queue.neighbours(of: queries)
    XCTAssertEqual(found.labels, nearest)
    XCTAssertEqual(found.rows.scalars, queue.projections.gathered(nearest).scalars)
    XCTAssertEqual(queue(queries).scalars, found.rows.scalars)
    XCTAssertEqual(found.randomShare, 0)
  }

  /// Of so many rows the products are made for 64 queries at a time.
  func testBlocksOfQueriesAgreeWithSingleOnes() {
    let queue = SupportQueue(capacity: 1 << 18, width: 8, startsRandom: true, using: .init(seed: 1))
    let queries = batch(150, "queries", size: 8)
    let whole = queue.neighbours(of: queries).rows
    for index in [0, 63, 64, 149] {
      let one = queue.neighbours(of: queries[index..<index + 1]).rows
      XCTAssertEqual(one.scalars, whole[index].scalars)
    }
  }

  func testEmptyQueueGivesTheRowsThemselves() {
    let queue = SupportQueue(capacity: 4, width: 3)
    let queries = batch(6)
    let found = queue.neighbours(of: queries)
    XCTAssertEqual(found.rows.scalars, unitNorm(queries).scalars)
    XCTAssertEqual(found.labels, Array(repeating: nil, count: 6))
    XCTAssertEqual(found.randomShare, 0)
  }

  /// A row of zeros has the product 0 with all, more than that with opposite rows.
  func testRowsThatHoldNothingAreNeverFound() {
    let queue = SupportQueue(capacity: 100, width: 2)
    queue.push(numbered(0..<2))
    let opposite = queue.neighbours(of: -numbered(0..<2)).rows
    for row in opposite.rows { XCTAssertEqual(ContrastTwin.dot(row, row), 1, accuracy: 1e-6) }
  }

  func testRandomRowsAreCounted() {
    let queue = SupportQueue(capacity: 8, width: 3, startsRandom: true, using: .init(seed: 4))
    XCTAssertEqual(queue.count, 0)
    XCTAssertEqual(queue.neighbours(of: batch(5)).randomShare, 1)
    let known = batch(4, "known")
    queue.push(known, labels: [0, 1, 2, 3])
    let found = queue.neighbours(of: known)
    XCTAssertEqual(found.randomShare, 0)
    XCTAssertEqual(found.labels, [0, 1, 2, 3])
    queue.push(batch(4))
    XCTAssertEqual(queue.neighbours(of: batch(50, "more")).randomShare, 0)
  }

  func testNoGradientReachesNeighboursOrQueue() {
    let queue = SupportQueue(capacity: 4, width: 3)
    for _ in 0..<2 {
      let rows = Parameter(batch(5))
      XCTAssertFalse(queue(rows.value).isTracked)
      queue.push(rows.value)
      XCTAssertFalse(queue.projections.isTracked)
    }
  }

  // MARK: - Saving

  func testStateHoldsRowsLabelsPositionAndCount() throws {
    try withTemporaryFolder { folder in
      let queue = SupportQueue(capacity: 5, width: 3)
      queue.push(batch(7), labels: Array(0..<7))
      queue.push(batch(1, "unlabelled"))
      try queue.save(to: folder + "/queue.safetensors")
      let other = SupportQueue(capacity: 5, width: 3)
      try other.load(from: folder + "/queue.safetensors")
      XCTAssertEqual(other.count, 5)
      for queue in [queue, other] { queue.push(batch(3, "more"), labels: [7, 8, 9]) }
      XCTAssertEqual(other.projections.scalars, queue.projections.scalars)
      let queries = batch(9, "queries")
      XCTAssertEqual(other.neighbours(of: queries).labels, queue.neighbours(of: queries).labels)
    }
  }

  func testStateOfAnotherQueueIsRefused() {
    let queue = SupportQueue(capacity: 5, width: 3)
    queue.push(batch(2))
    XCTAssertThrowsError(try queue.load(SupportQueue(capacity: 6, width: 3).state)) {
      XCTAssertTrue("\($0)".contains("rows needs shape [5, 3], got [6, 3]"), "\($0)")
    }
    let state = SupportQueue(capacity: 5, width: 3).state
    XCTAssertThrowsError(
      try queue.load(State(state.entries.filter { $0.name != "position" }))
    ) { XCTAssertTrue("\($0)".contains("lacks position"), "\($0)") }
    XCTAssertEqual(queue.count, 2)
  }
}
