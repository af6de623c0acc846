import Dispatch
import Foundation
import Synchronization

/// Threads that look for their next work for a moment before they sleep.
///
/// A step of a network is hundreds of kernels, microseconds apart: waking a sleeping thread for each
/// costs tens of microseconds, an awake one takes it up at once.
// Unchecked: one caller at a time holds `turn`, and hands the body over through `call`.
final class WorkerPool: @unchecked Sendable {
  static let shared = WorkerPool()

  /// How often a thread looks before it sleeps: about 50 microseconds.
  private static let patience = 1 << 15
  private static let mostWorkers = 1 << 12

  private let turn = Mutex<[Worker]>([])
  /// The number of the call and, in its lowest bits, how many workers it wants.
  private let call = Atomic<Int>(0)
  private let unfinished = Atomic<Int>(0)
  private var body: ((_ worker: Int) -> Void)?

  /// Calls `body` with 0..<count at once, 0 on the calling thread; returns when all are done.
  ///
  /// A second caller, from another thread or from within a body, gets Dispatch's threads instead.
  func run(_ count: Int, _ body: (_ worker: Int) -> Void) {
    let isMine: Void? = turn.withLockIfAvailable { workers in
      withoutActuallyEscaping(body) { body in
        // Unsafe: the workers are done with the body before this function returns.
        nonisolated(unsafe) let body = body
        share(body, with: count - 1, of: &workers)
      }
    }
    if isMine == nil {
      // Unsafe: as above, by Dispatch's promise.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: count) { body($0) }
    }
  }

  private func share(
    _ body: @escaping (_ worker: Int) -> Void, with count: Int, of workers: inout [Worker]
  ) {
    precondition(count < Self.mostWorkers, "at most \(Self.mostWorkers) threads; got \(count + 1)")
    while workers.count < count { workers.append(hired(workers.count)) }
    self.body = body
    unfinished.store(count, ordering: .relaxed)
    let last = call.load(ordering: .relaxed)
    call.store(
      (last / Self.mostWorkers + 1) * Self.mostWorkers + count, ordering: .sequentiallyConsistent)
    for worker in workers.prefix(count) { worker.wake() }
    body(0)
    var looks = 0
    while unfinished.load(ordering: .acquiring) > 0 {
      looks += 1
      if looks > Self.patience { sched_yield() }
    }
    self.body = nil
  }

  private func hired(_ index: Int) -> Worker {
    let worker = Worker(seen: call.load(ordering: .relaxed))
    let thread = Thread { [self] in
      while true {
        let wanted = worker.nextCall(call, patience: Self.patience) % Self.mostWorkers
        if index < wanted {
          body?(index + 1)
          unfinished.subtract(1, ordering: .releasing)
        }
      }
    }
    thread.name = "Tensor \(index + 1)"
    thread.stackSize = 8 << 20
    thread.start()
    return worker
  }
}

/// One thread's side of the handshake.
// Unchecked: `seen` belongs to the thread alone.
private final class Worker: @unchecked Sendable {
  private var seen: Int
  private let isAsleep = Atomic<Bool>(false)
  private let bell = DispatchSemaphore(value: 0)

  init(seen: Int) { self.seen = seen }

  /// Waits for a call other than the last one seen: awake first, then asleep.
  func nextCall(_ call: borrowing Atomic<Int>, patience: Int) -> Int {
    while true {
      for _ in 0..<patience {
        let current = call.load(ordering: .acquiring)
        if current != seen {
          seen = current
          return current
        }
      }
      isAsleep.store(true, ordering: .sequentiallyConsistent)
      // A call that came in between has either been missed, and is seen here, or rings the bell.
      if call.load(ordering: .sequentiallyConsistent) == seen
        || !isAsleep.exchange(false, ordering: .sequentiallyConsistent)
      {
        bell.wait()
      }
      // A caller that was slow to ring may ring for a call that has been answered: look again.
    }
  }

  /// Rings if the thread sleeps.
  func wake() {
    if isAsleep.exchange(false, ordering: .sequentiallyConsistent) { bell.signal() }
  }
}
