import Dispatch
import Foundation
import Synchronization

/// Threads that spin for a moment before they sleep.
///
/// A step of a network runs hundreds of kernels, microseconds apart. Waking a sleeping thread for
/// each would cost tens of microseconds; a spinning one starts at once.
// Unchecked: one caller at a time holds the lock, and publishes the body through `generation`.
final class WorkerPool: @unchecked Sendable {
  static let shared = WorkerPool()

  /// How often a thread looks for work before it sleeps: about 50 microseconds.
  private static let spinLimit = 1 << 15
  /// How often it looks where there are more threads than cores, and gives its core away in between.
  private static let yieldLimit = 1 << 8
  private static let coreCount = AvailableCores.count
  private static let mostWorkers = 1 << 12

  private let lock = Mutex<[Worker]>([])
  /// The number of the call and, in its lowest bits, how many workers it needs.
  private let generation = Atomic<Int>(0)
  private let unfinished = Atomic<Int>(0)
  /// Whether the last call had more threads than there are cores.
  private let isCrowded = Atomic<Bool>(false)
  private var body: ((_ worker: Int) -> Void)?
  /// The workers there can be: fewer once the system has refused a thread.
  private var mostThreads: Int

  /// A pool of at most `mostThreads` threads beside the calling one.
  init(mostThreads: Int = WorkerPool.mostWorkers - 1) { self.mostThreads = mostThreads }

  /// Calls `body` with 0..<count, 0 on the calling thread; returns when all are done.
  ///
  /// All run at once if there are so many threads. If not, the calling thread takes the rest, one
  /// after the other. A second caller, from another thread or from within a body, gets Dispatch's
  /// threads instead.
  func run(_ count: Int, _ body: (_ worker: Int) -> Void) {
    let isLocked: Void? = lock.withLockIfAvailable { workers in
      withoutActuallyEscaping(body) { body in
        // Unsafe: the workers are done with the body before this function returns.
        nonisolated(unsafe) let body = body
        share(body, with: count - 1, of: &workers)
      }
    }
    if isLocked == nil {
      // Unsafe: as above, by Dispatch's promise.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: count) { body($0) }
    }
  }

  private func share(
    _ body: @escaping (_ worker: Int) -> Void, with wanted: Int, of workers: inout [Worker]
  ) {
    precondition(
      wanted < Self.mostWorkers, "at most \(Self.mostWorkers) threads; got \(wanted + 1)")
    while workers.count < min(wanted, mostThreads) {
      guard let worker = spawn(workers.count) else {
        // A limit on threads: asking again at every kernel would cost more than it brings.
        mostThreads = workers.count
        break
      }
      workers.append(worker)
    }
    let count = min(wanted, workers.count)
    self.body = body
    unfinished.store(count, ordering: .relaxed)
    let isCrowded = count >= Self.coreCount
    self.isCrowded.store(isCrowded, ordering: .relaxed)
    let last = generation.load(ordering: .relaxed)
    generation.store(
      (last / Self.mostWorkers + 1) * Self.mostWorkers + count, ordering: .sequentiallyConsistent)
    for worker in workers.prefix(count) { worker.wake() }
    body(0)
    for worker in count..<wanted { body(worker + 1) }
    var looks = 0
    while unfinished.load(ordering: .acquiring) > 0 {
      looks += 1
      if isCrowded || looks > Self.spinLimit { sched_yield() }
    }
    self.body = nil
  }

  /// Starts a thread; nil if the system has none left.
  private func spawn(_ index: Int) -> Worker? {
    let worker = Worker(seen: generation.load(ordering: .relaxed))
    let isStarted = startThread(named: "Tensor \(index + 1)", stackSize: 8 << 20) { [self] in
      while true {
        let needed = worker.nextGeneration(generation) { look in
          guard isCrowded.load(ordering: .relaxed) else { return look < Self.spinLimit }
          sched_yield()
          return look < Self.yieldLimit
        }
        if index < needed % Self.mostWorkers {
          body?(index + 1)
          unfinished.subtract(1, ordering: .releasing)
        }
      }
    }
    return isStarted ? worker : nil
  }
}

/// One thread's side of the handshake.
// Unchecked: `seen` belongs to the thread alone.
private final class Worker: @unchecked Sendable {
  private var seen: Int
  private let isAsleep = Atomic<Bool>(false)
  private let semaphore = DispatchSemaphore(value: 0)

  init(seen: Int) { self.seen = seen }

  /// Waits for a generation after the last one seen: spinning while `looksAgain` says so, then
  /// asleep.
  func nextGeneration(
    _ generation: borrowing Atomic<Int>, while looksAgain: (_ look: Int) -> Bool
  ) -> Int {
    while true {
      var look = 0
      repeat {
        let current = generation.load(ordering: .acquiring)
        if current != seen {
          seen = current
          return current
        }
        look += 1
      } while looksAgain(look)
      isAsleep.store(true, ordering: .sequentiallyConsistent)
      // A generation published meanwhile is seen here, or its caller signals the semaphore.
      if generation.load(ordering: .sequentiallyConsistent) == seen
        || !isAsleep.exchange(false, ordering: .sequentiallyConsistent)
      {
        semaphore.wait()
      }
      // A slow caller may signal for a generation that was already seen: look again.
    }
  }

  /// Signals the semaphore if the thread sleeps.
  func wake() {
    if isAsleep.exchange(false, ordering: .sequentiallyConsistent) { semaphore.signal() }
  }
}
