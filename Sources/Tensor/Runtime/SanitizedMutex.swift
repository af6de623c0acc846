#if THREAD_SANITIZER
  import Foundation

  /// Stands in for Synchronization's `Mutex` under the thread sanitizer, which sees the locks of
  /// POSIX and not the futex of that one: `Tests/Scripts/sanitize thread` sets the condition.
  struct Mutex<Value>: @unchecked Sendable {  // Unchecked: the box's value is used under its lock.
    private final class Box {
      let lock = NSLock()
      var value: Value

      init(_ value: Value) { self.value = value }
    }

    private let box: Box

    init(_ value: Value) { box = Box(value) }

    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
      box.lock.lock()
      defer { box.lock.unlock() }
      return try body(&box.value)
    }

    func withLockIfAvailable<Result>(
      _ body: (inout Value) throws -> Result
    ) rethrows -> Result? {
      guard box.lock.try() else { return nil }
      defer { box.lock.unlock() }
      return try body(&box.value)
    }
  }
#endif
