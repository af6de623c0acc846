import Dispatch
import Foundation
import Synchronization

/// Turns signals into questions that a training asks after each step.
///
/// SIGINT, SIGTERM and SIGHUP ask for an end; a second one ends the program at once. SIGUSR1 asks for a
/// checkpoint. When the object goes, signals do what they did before.
final class Interruption {
  private final class Counter: Sendable { let value = Atomic<Int>(0) }

  static let reason = "a signal asked for it"

  private let ends = Counter()
  private let saves = Counter()
  private let sources: [any DispatchSourceSignal]

  init() {
    let (ends, saves) = (ends, saves)
    sources = [SIGINT, SIGTERM, SIGHUP, SIGUSR1].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        let counter = number == SIGUSR1 ? saves : ends
        let count = counter.value.add(1, ordering: .relaxed).newValue
        if number != SIGUSR1, count > 1 { exit(128 + number) }
      }
      source.resume()
      return source
    }
  }

  deinit {
    sources.forEach { $0.cancel() }
    for number in [SIGINT, SIGTERM, SIGHUP, SIGUSR1] { signal(number, SIG_DFL) }
  }

  /// Whether the training should end after this step.
  var endIsRequested: Bool { ends.value.load(ordering: .relaxed) > 0 }

  /// Whether a checkpoint is asked for; the question is answered by that.
  func takeSaveRequest() -> Bool { saves.value.exchange(0, ordering: .relaxed) > 0 }
}
