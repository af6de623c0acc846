import Foundation
import SelfSupervised

/// One line that rewrites itself on a terminal; elsewhere a plain line now and then.
struct ProgressLine {
  private let steps: Int
  private let isTerminal = isatty(STDOUT_FILENO) == 1
  private var lastShown = Date.distantPast
  private var lastText = ""

  init(steps: Int) { self.steps = steps }

  mutating func show(_ outcome: TrainingOutcome, _ statistics: LearnerStatistics) {
    let isLast = outcome.steps == steps
    let pause = isTerminal ? 0.2 : 10
    guard isLast || Date().timeIntervalSince(lastShown) >= pause else { return }
    lastShown = Date()
    let left = outcome.seconds / Double(outcome.steps) * Double(steps - outcome.steps)
    let numbers = String(
      format: "loss %.4f  spread %.2f  rank %.1f  %.0f images/s", outcome.loss,
      statistics.spread, statistics.effectiveRank, outcome.imagesPerSecond)
    lastText = "step \(outcome.steps)/\(steps)  \(numbers)  \(Self.time(left)) left"
    write(isTerminal ? "\r\u{1B}[2K" + lastText : lastText + "\n")
  }

  /// A line of its own between two showings.
  func interject(_ text: String) {
    write(isTerminal ? "\r\u{1B}[2K\(text)\n\(lastText)" : text + "\n")
  }

  func finish() { if isTerminal { write("\n") } }

  private func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

  /// 75 seconds as "1:15".
  static func time(_ seconds: Double) -> String {
    String(format: "%d:%02d", Int(seconds.rounded()) / 60, Int(seconds.rounded()) % 60)
  }
}
