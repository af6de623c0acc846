import Synchronization
import Tensor
import XCTest

final class ParallelTests: XCTestCase {
  func testEveryBlockRunsOnce() {
    for threads in [1, 2, 5] {
      for count in [0, 1, 2, 7, 100] {
        let runs = Mutex([Int](repeating: 0, count: count))
        Threads.with(threads) {
          Parallel.forEach(count) { block in runs.withLock { $0[block] += 1 } }
        }
        XCTAssertEqual(runs.withLock { $0 }, [Int](repeating: 1, count: count))
      }
    }
  }

  func testRangesCoverEverythingOnce() {
    for threads in [1, 2, 3] {
      for (count, grain) in [(0, 1), (1, 1), (10, 3), (10, 100), (1_001, 7)] {
        let seen = Mutex([Int]())
        Threads.with(threads) {
          Parallel.forRanges(count, grain: grain) { range in seen.withLock { $0 += range } }
        }
        XCTAssertEqual(seen.withLock { $0.sorted() }, Array(0..<count))
      }
    }
  }
}
