import Arguments
import Foundation
import SelfSupervised
import Training

/// A run's first steps, taken again: the same numbers say that this version and this machine compute
/// what the run's did.
struct Verification {
  /// A line of the log tells the weights after the steps before it, and each twentieth step has one.
  static let steps = 21

  private let noted: RunLog
  private let note: RunNote

  /// - Throws: ``UsageError`` if the run has no steps to compare.
  init(_ noted: RunLog, _ note: RunNote, _ directory: RunDirectory) throws {
    self.noted = noted
    self.note = note
    guard noted.points("loss").contains(where: { $0.step <= Self.steps }) else {
      throw UsageError(
        "verify needs a run's metrics.jsonl with its first steps; \(directory.metrics) has none")
    }
  }

  /// What the new steps' numbers say beside the noted ones.
  ///
  /// - Throws: ``VerificationError`` if one differs.
  func compare(_ reports: [StepReport]) throws -> String {
    var compared: [Int] = []
    for report in reports {
      for (name, number) in Self.numbers(of: report) {
        guard let former = noted.points(name).first(where: { $0.step == report.step }) else {
          continue
        }
        guard Float(former.value) == number else {
          throw VerificationError(description: difference(name, report.step, former.value, number))
        }
        if name == "loss" { compared.append(report.step) }
      }
    }
    let steps = compared.map(String.init).joined(separator: " and ")
    return "steps \(steps) have the bits of the run's: the weights were the same after "
      + counted(compared.last.map { $0 - 1 } ?? 0, "step")
  }

  /// What a log has of a step; the rate first, which explains all that differs.
  private static func numbers(of report: StepReport) -> KeyValuePairs<String, Float> {
    [
      "learning_rate": report.learningRate, "loss": report.loss,
      "gradient_norm": report.gradientNorm, "spread": report.statistics.projectionStd,
      "effective_rank": report.statistics.effectiveRank,
    ]
  }

  private func difference(_ name: String, _ step: Int, _ former: Double, _ now: Float) -> String {
    let fact = "step \(step): \(name) was \(Float(former)) and is \(now)"
    if name == "learning_rate" {
      return fact + "; the run began with another length, and so with other rates"
    }
    let kernels = RunNote.kernels
    guard let noted = note.kernels, noted != kernels else {
      return fact
        + "; another version of the package, several processes, or other kernels of this processor"
    }
    return fact + "; the run computed by \(noted), this machine by \(kernels)"
  }
}

/// The steps of a run cannot be repeated.
struct VerificationError: Error, CustomStringConvertible {
  let description: String
}
