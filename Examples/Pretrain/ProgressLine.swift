import Arguments
import Foundation
import Tensor
import Training

/// One line that rewrites itself on a terminal; elsewhere a plain line now and then.
struct ProgressLine {
  private let steps: Int
  // mpirun gives its processes a terminal, whatever its own output is.
  private let isTerminal = isatty(STDOUT_FILENO) == 1 && ProcessGroup.world.isSingle
  private var lastUpdate: ContinuousClock.Instant?
  private var text = ""

  init(steps: Int) { self.steps = steps }

  mutating func update(_ report: StepReport) {
    let pause = isTerminal ? 0.2 : 10
    let isDue = lastUpdate.map { ContinuousClock.now - $0 >= .seconds(pause) } ?? true
    guard report.step == steps || isDue else { return }
    lastUpdate = .now
    let left = report.seconds / Double(report.step) * Double(steps - report.step)
    let numbers = String(
      format: "loss %.4f  spread %.2f  rank %.1f  %.0f images/s", report.averageLoss,
      report.statistics.projectionStd, report.statistics.effectiveRank, report.imagesPerSecond)
    let wait =
      report.waitShare > 0.02 ? String(format: " (%.0f %% waiting)", 100 * report.waitShare) : ""
    text = "step \(report.step)/\(steps)  \(numbers)\(wait)  \(Self.time(left)) left"
    write(isTerminal ? "\r\u{1B}[2K" + text : text + "\n")
  }

  /// A line of its own between two updates.
  func interrupt(with line: String) {
    write(isTerminal ? "\r\u{1B}[2K\(line)\n\(text)" : line + "\n")
  }

  func finish() { if isTerminal { write("\n") } }

  private func write(_ text: String) { writeText(text, to: STDOUT_FILENO) }

  /// 75 seconds as "1:15".
  static func time(_ seconds: Double) -> String {
    String(format: "%d:%02d", Int(seconds.rounded()) / 60, Int(seconds.rounded()) % 60)
  }
}
