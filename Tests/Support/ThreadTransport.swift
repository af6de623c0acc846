import Foundation
import Tensor

/// Carries bytes between threads of one process, which stand for processes.
struct ThreadTransport: ProcessTransport {
  package let rank: Int
  private let hub: Hub
  private let second: Hub?

  /// The ends of a group of `size` threads, one for each.
  static func group(of size: Int) -> [ThreadTransport] {
    let (hub, second) = (Hub(size), Hub(size))
    return (0..<size).map { ThreadTransport(rank: $0, hub: hub, second: second) }
  }

  package var size: Int { hub.size }

  package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    hub.exchange(rank, UnsafeRawBufferPointer(bytes), []) { sent, _ in
      if rank != root { bytes.copyMemory(from: sent[root]) }
    }
  }

  package func broadcastPatiently(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    broadcast(bytes, from: root)
  }

  package func allGather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) {
    hub.exchange(rank, bytes, counts) { sent, _ in
      var start = 0
      for (from, count) in counts.enumerated() {
        precondition(sent[from].count == count, "allGather needs the counts that processes send")
        UnsafeMutableRawBufferPointer(rebasing: result[start..<start + count]).copyMemory(
          from: sent[from])
        start += count
      }
    }
  }

  package func allToAll(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], receivedCounts: [Int],
    into result: UnsafeMutableRawBufferPointer
  ) {
    hub.exchange(rank, bytes, counts) { sent, sentCounts in
      var start = 0
      for (from, count) in receivedCounts.enumerated() {
        let first = sentCounts[from][..<rank].reduce(0, +)
        precondition(
          sentCounts[from][rank] == count, "allToAll needs the counts that processes send")
        UnsafeMutableRawBufferPointer(rebasing: result[start..<start + count]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: sent[from][first..<first + count]))
        start += count
      }
    }
  }

  package func barrier() {
    hub.exchange(rank, UnsafeRawBufferPointer(start: nil, count: 0), []) { _, _ in }
  }

  package func makeSecond() -> (any ProcessTransport)? {
    second.map { ThreadTransport(rank: rank, hub: $0, second: nil) }
  }

  package func abort(_ code: Int32) -> Never { exit(code) }

  package func close() {}

  /// Where threads meet: each leaves its bytes, and takes what it needs when all have come.
  // Unchecked: `condition` guards everything; bytes are read between two meetings.
  private final class Hub: @unchecked Sendable {
    let size: Int
    private let condition = NSCondition()
    private var sent: [UnsafeRawBufferPointer]
    private var counts: [[Int]]
    private var waiting = 0
    private var meeting = 0

    init(_ size: Int) {
      self.size = size
      sent = Array(repeating: UnsafeRawBufferPointer(start: nil, count: 0), count: size)
      counts = Array(repeating: [], count: size)
    }

    func exchange(
      _ rank: Int, _ bytes: UnsafeRawBufferPointer, _ counts: [Int],
      take: (_ sent: [UnsafeRawBufferPointer], _ counts: [[Int]]) -> Void
    ) {
      condition.lock()
      (sent[rank], self.counts[rank]) = (bytes, counts)
      meet()
      let all = (sent, self.counts)
      condition.unlock()
      take(all.0, all.1)
      condition.lock()
      meet()
      condition.unlock()
    }

    private func meet() {
      let current = meeting
      waiting += 1
      if waiting == size {
        (waiting, meeting) = (0, meeting + 1)
        condition.broadcast()
      }
      while meeting == current { condition.wait() }
    }
  }
}

extension ProcessGroup {
  /// Runs `body` on `size` threads at once, each of which is a process of one group.
  ///
  /// - Returns: What each gave, in the order of their ranks.
  public static func threads<Result: Sendable>(
    _ size: Int, _ body: @escaping @Sendable (ProcessGroup) -> Result
  ) -> [Result] {
    let ends = ThreadTransport.group(of: size)
    let results = ThreadResults<Result>()
    for end in ends {
      let started = startThread(named: "rank \(end.rank)", stackSize: 8 << 20) {
        results.add(Parallel.serially { body(ProcessGroup(end)) }, end.rank)
      }
      precondition(started, "the system has no threads left")
    }
    return results.all(size)
  }
}

// Unchecked: `condition` guards the results.
private final class ThreadResults<Result: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private var results: [Int: Result] = [:]

  func add(_ result: Result, _ rank: Int) {
    condition.lock()
    results[rank] = result
    condition.broadcast()
    condition.unlock()
  }

  func all(_ count: Int) -> [Result] {
    condition.lock()
    defer { condition.unlock() }
    while results.count < count { condition.wait() }
    return (0..<count).compactMap { results[$0] }
  }
}
