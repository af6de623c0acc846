import Dispatch
import Synchronization
import XCTest

@testable import Tensor

final class WorkerPoolTests: XCTestCase {
  private func calls(_ pool: WorkerPool, _ count: Int) -> [Int] {
    let seen = Mutex([Int]())
    pool.run(count) { worker in seen.withLock { $0.append(worker) } }
    return seen.withLock { $0.sorted() }
  }

  /// Every worker once, whatever the number was before, awake or long asleep.
  func testEveryWorkerIsCalledOnce() {
    let pool = WorkerPool()
    for round in 0..<3_000 {
      let count = 1 + (round * 7) % 9
      XCTAssertEqual(calls(pool, count), Array(0..<count))
      if round.isMultiple(of: 500) { usleep(5_000) }
    }
  }

  /// Where the system gives fewer threads, those there are do all the work.
  func testFewerThreadsThanWanted() {
    for most in [0, 1, 3] {
      let pool = WorkerPool(mostThreads: most)
      for count in [1, 2, 5, 9] {
        for _ in 0..<50 { XCTAssertEqual(calls(pool, count), Array(0..<count)) }
      }
    }
  }

  /// What the workers wrote is there when the call returns.
  func testResultsAreComplete() {
    let pool = WorkerPool()
    var numbers = [Int](repeating: 0, count: 64)
    for round in 1...2_000 {
      numbers.withUnsafeMutableBufferPointer { numbers in
        nonisolated(unsafe) let numbers = numbers
        pool.run(4) { worker in
          for index in stride(from: worker, to: 64, by: 4) { numbers[index] += round }
        }
      }
    }
    XCTAssertEqual(Set(numbers), [2_000 * 2_001 / 2])
  }

  func testCallsFromSeveralThreadsAndFromWithinABody() {
    let pool = WorkerPool()
    let total = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 6) { _ in
      for _ in 0..<200 {
        pool.run(3) { worker in
          total.add(1, ordering: .relaxed)
          if worker == 1 { pool.run(2) { _ in total.add(1, ordering: .relaxed) } }
        }
      }
    }
    XCTAssertEqual(total.load(ordering: .relaxed), 6 * 200 * (3 + 2))
  }
}
