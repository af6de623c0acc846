import Foundation
import Synchronization
import Tensor

// Asked and answered without locks: a signal handler may do no more.
private let endRequests = Atomic<Int>(0)
private let saveRequests = Atomic<Int>(0)

/// Turns signals into questions that a training asks after each step.
///
/// SIGINT, SIGTERM and SIGHUP ask for an end, and so does SIGUSR2 in a process of several, to which
/// launchers pass it on; a second one ends the program at once. SIGUSR1 asks
/// for a checkpoint. A signal that is ignored, as nohup ignores SIGHUP, stays so. When the last of
/// these objects has ended, signals do what they did before.
final class Interruption: Sendable {
  static let reason = "a signal asked for it"

  /// How many of them there are, and what the first one replaced.
  private struct Handlers {
    var users = 0
    var former: [(signal: Int32, action: sigaction)] = []

    mutating func replace(
      _ number: Int32, by handler: @escaping @convention(c) (Int32) -> Void
    ) {
      let isRequest = number == SIGUSR1 || number == SIGUSR2
      if let old = replaceHandler(of: number, evenIfIgnored: isRequest, by: handler) {
        former.append((number, old))
      }
    }
  }

  private static let handlers = Mutex(Handlers())
  private let hasEnded = Mutex(false)

  /// Whether this one still answers signals.
  var isActive: Bool { hasEnded.withLock { !$0 } }

  init() {
    Self.handlers.withLock { handlers in
      handlers.users += 1
      // Another one's request stands.
      guard handlers.users == 1 else { return }
      endRequests.store(0, ordering: .relaxed)
      saveRequests.store(0, ordering: .relaxed)
      let ends = [SIGINT, SIGTERM, SIGHUP] + (ProcessGroup.world.isSingle ? [] : [SIGUSR2])
      for number in ends {
        handlers.replace(number) { number in
          if endRequests.add(1, ordering: .relaxed).newValue > 1 { _exit(128 + number) }
        }
      }
      handlers.replace(SIGUSR1) { _ in saveRequests.add(1, ordering: .relaxed) }
    }
  }

  deinit { end() }

  /// Asks no more; copies of what holds this may live on.
  func end() {
    let ends = hasEnded.withLock { hasEnded in
      defer { hasEnded = true }
      return !hasEnded
    }
    guard ends else { return }
    Self.handlers.withLock { handlers in
      handlers.users -= 1
      guard handlers.users == 0 else { return }
      for entry in handlers.former {
        var action = entry.action
        sigaction(entry.signal, &action, nil)
      }
      handlers.former = []
    }
  }

  /// Whether the training should end after this step.
  var endIsRequested: Bool { endRequests.load(ordering: .relaxed) > 0 }

  /// Whether a checkpoint is asked for; the question is answered by that.
  func takeSaveRequest() -> Bool { saveRequests.exchange(0, ordering: .relaxed) > 0 }
}

/// Lets `handler` answer a signal, unless it is ignored, as nohup ignores SIGHUP.
///
/// - Returns: What answered it before; nil if that still does.
package func replaceHandler(
  of number: Int32, evenIfIgnored: Bool = false,
  by handler: @escaping @convention(c) (Int32) -> Void
) -> sigaction? {
  var (action, old) = (sigaction(), sigaction())
  #if os(Linux)
    action.__sigaction_handler.sa_handler = handler
  #else
    action.__sigaction_u.__sa_handler = handler
  #endif
  action.sa_flags = Int32(SA_RESTART)
  guard sigaction(number, &action, &old) == 0 else { return nil }
  guard evenIfIgnored || !old.isIgnored else {
    sigaction(number, &old, nil)
    return nil
  }
  return old
}

extension sigaction {
  fileprivate var isIgnored: Bool {
    #if os(Linux)
      let handler = __sigaction_handler.sa_handler
    #else
      let handler = __sigaction_u.__sa_handler
    #endif
    return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
