import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class MemoryBankTests: XCTestCase {
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

  private func numbers(in queue: MemoryBank) -> [Int] {
    queue.rows.rows.map { Int((100 * atan2($0[1], $0[0])).rounded()) }
  }

  // MARK: - Ring

  func testAnyBatchIntoAnyQueueKeepsTheLastRows() {
    for capacity in [1, 2, 5, 8] {
      for size in [1, 2, 3, 5, 7, 16, 19] {
        let queue = MemoryBank(capacity: capacity, width: 2)
        var ring = [Int](repeating: -1, count: capacity)
        for start in stride(from: 0, to: 4 * size, by: size) {
          queue.append(numbered(start..<start + size), labels: Array(start..<start + size))
          for number in start..<start + size { ring[number % capacity] = number }
          let pushed = min(capacity, start + size)
          XCTAssertEqual(queue.count, pushed)
          XCTAssertEqual(numbers(in: queue), Array(ring[..<pushed]), "\(size) into \(capacity)")
          let found = queue.neighbors(of: queue.rows)
          XCTAssertEqual(found.labels, ring[..<pushed].map { $0 })
        }
      }
    }
  }

  func testPlacesWithoutARowAreNotHandedOut() {
    let queue = MemoryBank(capacity: 5, width: 2)
    XCTAssertEqual(queue.rows.shape, [0, 2])
    queue.append(.zeros([0, 2]))
    XCTAssertEqual(queue.rows.shape, [0, 2])
    queue.append(numbered(7..<10))
    XCTAssertEqual(numbers(in: queue), [7, 8, 9])
  }

  func testRowsAreOfUnitLength() {
    let queue = MemoryBank(capacity: 4, width: 3)
    queue.append(100 * batch(3))
    for row in queue.rows.rows {
      XCTAssertEqual(ContrastTwin.dot(row, row), 1, accuracy: 1e-6)
    }
  }

  func testSnapshotDoesNotMoveWithTheQueue() {
    let queue = MemoryBank(capacity: 4, width: 3)
    queue.append(batch(3))
    let (state, rows) = (queue.state, queue.rows)
    let before = (state.entries.map(\.value.scalars), rows.scalars)
    queue.append(batch(3, "other"))
    XCTAssertEqual(state.entries.map(\.value.scalars), before.0)
    XCTAssertEqual(rows.scalars, before.1)
  }

  // MARK: - Neighbours

  func testNeighboursMatchALookAtEveryRow() {
    let queue = MemoryBank(capacity: 40, width: 3)
    queue.append(batch(33), labels: Array(0..<33))
    let queries = batch(20, "queries") * 7
    let nearest = ContrastTwin.nearest(queries.rows, in: queue.rows.rows)
    let found = queue.neighbors(of: queries)
    XCTAssertEqual(found.labels, nearest)
    XCTAssertEqual(found.rows.scalars, queue.rows.indexSelect(nearest).scalars)
    XCTAssertEqual(found.randomShare, 0)
  }

  /// Of so many rows the products are made for 64 queries at a time.
  func testBlocksOfQueriesAgreeWithSingleOnes() {
    let queue = MemoryBank(capacity: 1 << 18, width: 8, startsRandom: true, using: .init(seed: 1))
    let queries = batch(150, "queries", size: 8)
    let whole = queue.neighbors(of: queries).rows
    for index in [0, 63, 64, 149] {
      let one = queue.neighbors(of: queries[index..<index + 1]).rows
      XCTAssertEqual(one.scalars, whole[index].scalars)
    }
  }

  func testEmptyQueueGivesTheRowsThemselves() {
    let queue = MemoryBank(capacity: 4, width: 3)
    let queries = batch(6)
    let found = queue.neighbors(of: queries)
    XCTAssertEqual(found.rows.scalars, l2Normalized(queries).scalars)
    XCTAssertEqual(found.labels, Array(repeating: nil, count: 6))
    XCTAssertEqual(found.randomShare, 0)
  }

  /// A row of zeros has the product 0 with all, more than that with opposite rows.
  func testRowsThatHoldNothingAreNeverFound() {
    let queue = MemoryBank(capacity: 100, width: 2)
    queue.append(numbered(0..<2))
    let opposite = queue.neighbors(of: -numbered(0..<2)).rows
    for row in opposite.rows { XCTAssertEqual(ContrastTwin.dot(row, row), 1, accuracy: 1e-6) }
  }

  func testRandomRowsAreCounted() {
    let queue = MemoryBank(capacity: 8, width: 3, startsRandom: true, using: .init(seed: 4))
    XCTAssertEqual(queue.count, 0)
    XCTAssertEqual(queue.neighbors(of: batch(5)).randomShare, 1)
    let known = batch(4, "known")
    queue.append(known, labels: [0, 1, 2, 3])
    let found = queue.neighbors(of: known)
    XCTAssertEqual(found.randomShare, 0)
    XCTAssertEqual(found.labels, [0, 1, 2, 3])
    queue.append(batch(4))
    XCTAssertEqual(queue.neighbors(of: batch(50, "more")).randomShare, 0)
  }

  func testNoGradientReachesNeighboursOrQueue() {
    let queue = MemoryBank(capacity: 4, width: 3)
    for _ in 0..<2 {
      let rows = Parameter(batch(5))
      XCTAssertFalse(queue.neighbors(of: rows.value).rows.isTracked)
      queue.append(rows.value)
      XCTAssertFalse(queue.rows.isTracked)
    }
  }

  // MARK: - Saving

  func testStateHoldsRowsLabelsPositionAndCount() throws {
    try withTemporaryFolder { folder in
      let queue = MemoryBank(capacity: 5, width: 3)
      queue.append(batch(7), labels: Array(0..<7))
      queue.append(batch(1, "unlabeled"))
      try queue.save(to: folder + "/queue.safetensors")
      let other = MemoryBank(capacity: 5, width: 3)
      try other.load(from: folder + "/queue.safetensors")
      XCTAssertEqual(other.count, 5)
      for queue in [queue, other] { queue.append(batch(3, "more"), labels: [7, 8, 9]) }
      XCTAssertEqual(other.rows.scalars, queue.rows.scalars)
      let queries = batch(9, "queries")
      XCTAssertEqual(other.neighbors(of: queries).labels, queue.neighbors(of: queries).labels)
    }
  }

  func testStateThatDoesNotFitChangesNothing() {
    let queue = MemoryBank(capacity: 5, width: 3)
    queue.append(batch(7))
    let (before, position) = (queue.rows.scalars, queue.position)
    func without(_ name: String) -> StateDict {
      StateDict(queue.state.entries.filter { $0.name != name })
    }
    func with(_ name: String, _ value: Tensor) -> StateDict {
      StateDict(without(name).entries + [StateDict.Entry(name, value, elementType: .int64)])
    }
    let refused: [(StateDict, String)] = [
      (MemoryBank(capacity: 6, width: 3).state, "rows needs shape [5, 3], got [6, 3]"),
      (MemoryBank(capacity: 5, width: 2).state, "rows needs shape [5, 3], got [5, 2]"),
      (without("position"), "lacks position"), (without("rows"), "lacks rows"),
      (with("position", Tensor(5)), "position needs a number in 0...4, got 5"),
      (with("count", Tensor(-1)), "count needs a number in 0...5, got -1"),
      (with("count", Tensor(.nan)), "count needs a number in 0...5, got nan"),
      (with("more", .ones([1])), "has more"),
      (with("position", Tensor(1.5)), "position needs a number in 0...4, got 1.5"),
      (with("labels", .full(.nan, [5])), "labels needs numbers in -1...16777216, got nan"),
      (with("labels", .full(-7, [5])), "labels needs numbers in -1...16777216, got -7"),
      (with("labels", .full(0.5, [5])), "labels needs numbers in -1...16777216, got 0.5"),
      (with("labels", .full(0x1p63, [5])), "labels needs numbers in -1...16777216, got 9.22"),
      (StateDict(queue.state.entries + [queue.state.entries[0]]), "rows needs one tensor, got 2"),
    ]
    for (state, message) in refused {
      XCTAssertThrowsError(try queue.load(state)) {
        XCTAssertTrue($0 is StateError && "\($0)".contains(message), "\($0)")
      }
      XCTAssertEqual(queue.rows.scalars, before)
      XCTAssertEqual(queue.position, position)
    }
  }
}
