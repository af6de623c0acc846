import Arguments
import Foundation
import Synchronization

/// How many pictures are decoded, on one line that rewrites itself on a terminal; elsewhere a plain
/// line now and then.
final class DecodingProgress: Sendable {
  private let count: Int
  private let isTerminal = isatty(STDOUT_FILENO) == 1
  private let lastUpdate = Mutex(ContinuousClock.now)

  init(of count: Int) { self.count = count }

  /// Called on any thread.
  @Sendable
  func update(_ decoded: Int) {
    lastUpdate.withLock { last in
      guard ContinuousClock.now - last >= .seconds(isTerminal ? 0.2 : 10) else { return }
      last = .now
      writeText(
        isTerminal ? "\r\u{1B}[2K" + text(decoded) : text(decoded) + "\n", to: STDOUT_FILENO)
    }
  }

  /// A line of its own between two updates.
  func interrupt(with line: String) { say((isTerminal ? "\r\u{1B}[2K" : "") + line) }

  func finish() { if isTerminal { writeText("\r\u{1B}[2K", to: STDOUT_FILENO) } }

  private func text(_ decoded: Int) -> String { "decoded \(decoded) of \(count) pictures" }
}
