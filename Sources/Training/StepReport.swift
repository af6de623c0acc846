import Foundation
import SelfSupervised

/// What one step of a training came to.
public struct StepReport: Sendable {
  /// How many steps have been taken, this one included.
  public let step: Int
  /// How many passes over the data had ended before this step's; before the last of those that end
  /// with this step, if any do.
  public let epoch: Int
  /// How many passes over the data end with this step: more than one only where it has several
  /// batches.
  let endedEpochCount: Int
  /// Whether this step ends a pass over the data.
  public var endsEpoch: Bool { endedEpochCount > 0 }
  /// The loss of this step; the mean over its batches where gradients are accumulated.
  public let loss: Float
  /// The loss averaged over about the last twenty steps.
  public let averageLoss: Float
  /// The norm of all gradients together, before clipping.
  public let gradientNorm: Float
  /// How the projections of the last batch look.
  public let statistics: ProjectionStatistics
  /// The method's further numbers.
  public let metrics: Metrics
  /// The optimizer's learning rate in this step.
  public let learningRate: Float
  /// Whether the step was left out because its loss or a gradient was not finite.
  public let isSkipped: Bool
  /// The time in all steps so far, that of evaluations and checkpoints left out.
  public let seconds: Double
  /// Images in a second, over all steps so far.
  public let imagesPerSecond: Double
  /// The share of this step's time that it waited for its batch.
  public let waitShare: Double
  /// What callbacks had to say after this step.
  public internal(set) var events: [TrainingEvent] = []
}

/// What a callback has to say after a step.
public enum TrainingEvent: Sendable {
  /// The projections collapse, or the training diverges.
  case warning(CollapseWarning)
  /// Numbers of an evaluation, by name.
  case evaluation(Metrics)
  /// A checkpoint was written to a file.
  case checkpoint(path: String)
  /// A file could not be written; the training goes on, and the next is tried at its time.
  case notWritten(FileError)
  /// The training ends after this step, for a reason.
  case stop(reason: String)
}

extension StepReport: CustomStringConvertible {
  /// The step, its loss, how the projections look, and the method's numbers, on one line.
  public var description: String {
    let numbers = String(
      format: "loss %.4g (on average %.4g), projections' std %.3g", loss, averageLoss,
      statistics.projectionStd)
    let others = "\(metrics)"
    return "step \(step): " + numbers + (others.isEmpty ? "" : ", " + others)
  }
}

extension TrainingEvent: CustomStringConvertible {
  /// What happened, on one line.
  public var description: String {
    switch self {
    case .warning(let warning): "\(warning)"
    case .evaluation(let metrics): "evaluation: \(metrics)"
    case .checkpoint(let path): "wrote \(path)"
    case .notWritten(let error): "\(error); the training goes on"
    case .stop(let reason): "the training ends: \(reason)"
    }
  }
}

/// How far a training is.
public struct TrainingProgress: Sendable, Codable {
  /// How many steps have been taken.
  public internal(set) var steps = 0
  /// The loss averaged over about the last twenty steps; nil before the first.
  public internal(set) var averageLoss: Float?
  /// The time in all steps.
  public internal(set) var seconds = 0.0
  /// How many steps were left out because something was not finite.
  public internal(set) var skippedSteps = 0
}

extension TrainingProgress {
  /// The progress in a checkpoint's words; nil if they cannot be true.
  init?(note: String) {
    guard let saved = try? JSONDecoder().decode(TrainingProgress.self, from: Data(note.utf8)),
      (0...Self.longestTime).contains(saved.seconds), saved.skippedSteps >= 0,
      saved.skippedSteps <= saved.steps
    else { return nil }
    self = saved
  }

  /// Some thirty thousand years, in seconds.
  private static let longestTime = 1e12
}

/// How a training ended.
public struct TrainingResult: Sendable {
  /// How far it came.
  public let progress: TrainingProgress
  /// Images in a second.
  public let imagesPerSecond: Double
  /// Why it ended before its last step; nil if it did not.
  public let stopReason: String?
  /// Whether a signal ended it.
  public let wasInterrupted: Bool
  /// Whether a weight is NaN or above a million: the last step may have done that, after which no
  /// loss could tell.
  public let hasDiverged: Bool
}
