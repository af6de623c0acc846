import Foundation
import Tensor

/// Makes elements on threads of its own before they are asked for.
///
/// ```swift
/// let batches = Prefetcher(ahead: 2) { step in loader.batch(at: step) }
/// for _ in 0..<1_000 { train(on: batches.next()) }
/// ```
///
/// The elements come in the order of their numbers and are those that `make` gives: threads change
/// when an element is made, never what it is. The threads end when the prefetcher is released.
public final class Prefetcher<Element: Sendable>: Sendable {
  private let shared: Shared

  /// Elements number `first`, `first` + 1, … without an end.
  ///
  /// - Parameters:
  ///   - first: The number of the first element.
  ///   - ahead: How many elements are kept or in work, at most, beside the one in use. As many
  ///     threads make them, each on its own. With 0, ``next()`` makes its element itself, on all of
  ///     the package's threads.
  ///   - make: Makes the element of a number. It is called once for each.
  ///     Where the system has no threads left, it is as with 0.
  /// - Precondition: `ahead` is not negative.
  public convenience init(
    from first: Int = 0, ahead: Int, make: @escaping @Sendable (Int) -> Element
  ) {
    self.init(from: first, ahead: ahead, make: make) { name, body in
      startThread(named: name, stackSize: 8 << 20, body)
    }
  }

  /// The same with threads that `start` starts, unless it gives false.
  init(
    from first: Int, ahead: Int, make: @escaping @Sendable (Int) -> Element,
    start: (_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool
  ) {
    precondition(ahead >= 0, "Prefetcher needs to be 0 or more elements ahead; got \(ahead)")
    shared = Shared(first: first, make: make)
    let started = (0..<ahead).count { index in
      start("Prefetcher \(index + 1)") { [shared] in
        while let number = shared.claim(room: ahead) {
          shared.add(Parallel.serially { make(number) }, number)
        }
      }
    }
    shared.locked { shared.hasThreads = started > 0 }
  }

  deinit { shared.stop() }

  /// The next element, when it is made.
  public func next() -> Element { shared.take() }

  /// For how long ``next()`` has waited for elements so far.
  public var waitSeconds: Double { shared.locked { shared.waitSeconds } }

  // Unchecked: `condition` guards everything that changes.
  private final class Shared: @unchecked Sendable {
    private let condition = NSCondition()
    private let make: (Int) -> Element
    private var made: [Int: Element] = [:]
    private var toMake: Int
    private var toTake: Int
    private var isStopped = false
    fileprivate var hasThreads = false
    fileprivate var waitSeconds = 0.0

    init(first: Int, make: @escaping (Int) -> Element) {
      (self.make, toMake, toTake) = (make, first, first)
    }

    func locked<Result>(_ body: () -> Result) -> Result {
      condition.lock()
      defer { condition.unlock() }
      return body()
    }

    /// The number to make next, when less than `room` are made or in work; nil after the end.
    func claim(room: Int) -> Int? {
      locked {
        while !isStopped && toMake >= toTake + room { condition.wait() }
        toMake += 1
        return isStopped ? nil : toMake - 1
      }
    }

    func add(_ element: Element, _ number: Int) {
      locked {
        made[number] = element
        condition.broadcast()
      }
    }

    func take() -> Element {
      let start = ContinuousClock.now
      if !locked({ hasThreads }), let number = claim(room: 1) { add(make(number), number) }
      return locked {
        while true {
          if let element = made.removeValue(forKey: toTake) {
            toTake += 1
            waitSeconds += (ContinuousClock.now - start) / .seconds(1)
            condition.broadcast()
            return element
          }
          condition.wait()
        }
      }
    }

    func stop() {
      locked {
        isStopped = true
        condition.broadcast()
      }
    }
  }
}
