import Dispatch
import Foundation
import Synchronization

/// Turns Ctrl-C and a polite kill into a question that the training asks after each step.
///
/// A second Ctrl-C ends the program at once.
final class Interruption {
  private final class Counter: Sendable { let value = Atomic<Int>(0) }

  private let requests = Counter()
  private let sources: [any DispatchSourceSignal]

  init() {
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      return DispatchSource.makeSignalSource(signal: number, queue: .global())
    }
    for source in sources {
      source.setEventHandler { [requests] in
        if requests.value.add(1, ordering: .relaxed).newValue > 1 { exit(130) }
      }
      source.resume()
    }
  }

  /// Whether the run should end after this step.
  var isRequested: Bool { requests.value.load(ordering: .relaxed) > 0 }
}
