import Foundation

/// Prints a training's steps now and then, and whatever callbacks before it have to say.
public struct ConsoleLog: TrainingCallback {
  private let interval: Int

  /// Prints every so many steps, and the first and the last one.
  public init(everySteps interval: Int) {
    precondition(interval > 0, "ConsoleLog needs an interval of 1 or more; got \(interval)")
    self.interval = interval
  }

  /// Prints the step if its turn has come, and its events.
  public func callAsFunction(after report: StepReport, in trainer: Trainer) -> [TrainingEvent] {
    if report.step == 1 || report.step == trainer.stepCount
      || report.step.isMultiple(of: interval)
    {
      write("\(report)")
    }
    report.events.forEach { write("\($0)") }
    return []
  }

  /// At once, also where standard output is a file or a pipe.
  private func write(_ line: String) {
    print(line)
    fflush(nil)
  }
}
