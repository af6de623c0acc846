import Foundation
import Synchronization
import Tensor
import TestSupport
import XCTest

@testable import Datasets

final class PrefetcherTests: XCTestCase {
  func testElementsComeInOrderHoweverLongTheyTake() {
    for ahead in [0, 1, 2, 5] {
      let prefetcher = Prefetcher(from: 3, ahead: ahead) { number in
        usleep(UInt32(number * 7919 % 5) * 500)
        return number * number
      }
      XCTAssertEqual((3..<43).map { _ in prefetcher.next() }, (3..<43).map { $0 * $0 })
    }
  }

  /// Where the system refuses threads, those there are make the elements, or whoever asks for them.
  func testFewerThreadsThanAhead() {
    for granted in 0..<3 {
      var left = granted
      let prefetcher = Prefetcher(
        from: 3, ahead: 3, make: { $0 * $0 },
        start: { _, body in
          guard left > 0 else { return false }
          left -= 1
          Thread.detachNewThread(body)
          return true
        })
      XCTAssertEqual((3..<23).map { _ in prefetcher.next() }, (3..<23).map { $0 * $0 })
    }
  }

  func testNoMoreThanAheadAreKept() {
    let made = Counter()
    let prefetcher = Prefetcher(ahead: 3) { _ in made.increase() }
    for taken in 0..<5 {
      made.wait(for: taken + 3)
      usleep(20_000)
      XCTAssertEqual(made.count, taken + 3)
      prefetcher.next()
    }
    let none = Counter()
    let onDemand = Prefetcher(ahead: 0) { _ in none.increase() }
    XCTAssertEqual(none.count, 0)
    onDemand.next()
    XCTAssertEqual(none.count, 1)
  }

  func testThreadsEndWithThePrefetcher() {
    final class Token: Sendable {}
    weak var seen: Token?
    do {
      let token = Token()
      seen = token
      let prefetcher = Prefetcher(ahead: 2) { [token] number in
        withExtendedLifetime(token) { number }
      }
      XCTAssertEqual(prefetcher.next(), 0)
    }
    // What the threads hold goes when the last of them ends.
    let deadline = Date(timeIntervalSinceNow: 10)
    while seen != nil && Date() < deadline { usleep(1_000) }
    XCTAssertNil(seen)
  }

  func testWaitingIsMeasured() {
    let slow = Prefetcher(ahead: 1) { _ in pause(50) }
    slow.next()
    slow.next()
    XCTAssertGreaterThan(slow.waitSeconds, 0.08)
    let onDemand = Prefetcher(ahead: 0) { _ in pause(50) }
    onDemand.next()
    XCTAssertGreaterThan(onDemand.waitSeconds, 0.04)
    let made = Counter()
    let fast = Prefetcher(ahead: 1) { _ in made.increase() }
    made.wait(for: 1)
    usleep(20_000)
    fast.next()
    XCTAssertLessThan(fast.waitSeconds, 0.02)
  }

  /// Kernels on both sides: no deadlock, the same numbers, and one thread for each element.
  func testElementsAreMadeOnOneThreadBesideTheWorkers() {
    let before = Threads.count
    Threads.count = 4
    defer { Threads.count = before }
    @Sendable func numbers(_ number: Int) -> Tensor {
      var stream = RandomStream(seed: UInt64(number))
      let x = Tensor.uniform([200, 300], using: &stream)
      return matmul(x, x.transposed()).sum(axes: [1])
    }
    let threads = Mutex<[Int: Set<UInt>]>([:])
    let prefetcher = Prefetcher(ahead: 2) { number in
      Parallel.forEach(16) { _ in
        let thread = UInt(bitPattern: ObjectIdentifier(Thread.current).hashValue)
        threads.withLock { _ = $0[number, default: []].insert(thread) }
      }
      return numbers(number)
    }
    for number in 0..<40 {
      let own = numbers(number)
      XCTAssertEqual(prefetcher.next().scalars, own.scalars)
    }
    XCTAssertTrue(threads.withLock { $0.values.allSatisfy { $0.count == 1 } })
  }
}

private func pause(_ milliseconds: UInt32) { usleep(milliseconds * 1_000) }

/// A count that several threads increase.
private final class Counter: Sendable {
  private let value = Mutex(0)

  var count: Int { value.withLock { $0 } }

  func increase() { value.withLock { $0 += 1 } }

  func wait(for count: Int) {
    let deadline = Date(timeIntervalSinceNow: 10)
    while self.count < count && Date() < deadline { usleep(500) }
  }
}
