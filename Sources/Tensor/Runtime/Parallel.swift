import Synchronization

/// Runs blocks of work on the package's threads.
///
/// Never nested: a body calls single-threaded kernels only. How work is divided never depends on the
/// number of threads, so that results have the same bits for any.
package enum Parallel {
  /// Whether blocks run one after the other on the calling thread.
  @TaskLocal private static var isSerial = false

  /// Calls `body`, whose blocks all run on the calling thread: for a thread that works beside the
  /// one that trains, which would otherwise lose the workers between two kernels.
  package static func serially<Result>(_ body: () throws -> Result) rethrows -> Result {
    try $isSerial.withValue(true, operation: body)
  }

  /// Calls `body` once for each block in `0..<count`, in no order, and returns when all are done.
  package static func forEach(_ count: Int, _ body: (_ block: Int) -> Void) {
    workers(count) { _, next in
      while let block = next() { body(block) }
    }
  }

  /// The ranges of a loop: some for each of many cores, and few enough to draw in no time.
  private static let mostRanges = 64

  /// Splits `0..<count` into ranges of at least `grain` and calls `body` once for each.
  package static func forRanges(_ count: Int, grain: Int, _ body: (_ range: Range<Int>) -> Void) {
    let parts = min(mostRanges, (count + grain - 1) / max(1, grain))
    guard parts > 1 else {
      if count > 0 { body(0..<count) }
      return
    }
    forEach(parts) { part in
      body((count * part / parts)..<(count * (part + 1) / parts))
    }
  }

  /// Starts a worker per thread; each draws blocks in `0..<count` from `next` until there are none.
  ///
  /// For kernels with scratch space: a worker allocates it once and uses it for all its blocks.
  package static func workers(
    _ count: Int, _ body: (_ worker: Int, _ next: () -> Int?) -> Void
  ) {
    let threads = isSerial ? 1 : min(Threads.count, count)
    guard threads > 1 else {
      var position = 0
      if count > 0 {
        body(0) {
          defer { position += 1 }
          return position < count ? position : nil
        }
      }
      return
    }
    let position = Atomic<Int>(0)
    WorkerPool.shared.run(threads) { worker in
      body(worker) {
        let block = position.add(1, ordering: .relaxed).oldValue
        return block < count ? block : nil
      }
    }
  }
}
