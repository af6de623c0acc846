import Arguments
import Foundation
import SelfSupervised

/// All that a run goes on from: its training's checkpoint, how far the run is, and its command line.
struct RunCheckpoint {
  let words: [String]
  /// How many steps the run has, and how many images.
  private let steps: Int
  private let imageCount: Int
  let outcome: TrainingOutcome
  private let training: Checkpoint

  init(
    words: [String], steps: Int, imageCount: Int, outcome: TrainingOutcome, learner: any Learner,
    optimizer: any Optimizer
  ) throws {
    self.words = words
    self.steps = steps
    self.imageCount = imageCount
    self.outcome = outcome
    let progress = Progress(
      words: words, steps: steps, imageCount: imageCount,
      loss: outcome.loss.isFinite ? outcome.loss : nil, seconds: outcome.seconds,
      imagesPerSecond: outcome.imagesPerSecond)
    training = Checkpoint(
      learner, optimizer, step: outcome.steps,
      notes: [Self.note: String(decoding: try JSONEncoder().encode(progress), as: UTF8.self)])
  }

  static func path(in directory: String) -> String { directory + "/checkpoint.safetensors" }

  /// Throws unless the data are what they were.
  func check(steps: Int, imageCount: Int) throws {
    guard (steps, imageCount) == (self.steps, self.imageCount) else {
      throw CheckpointError(
        description:
          "the run had \(self.steps) steps on \(self.imageCount) images and would now have \(steps) "
          + "on \(imageCount): the data have changed")
    }
  }

  /// Makes a learner and its optimizer what they were.
  func restore(_ learner: any Learner, _ optimizer: any Optimizer) throws {
    try training.restore(learner, optimizer)
  }
}

// MARK: - As a file

extension RunCheckpoint {
  /// What stands beside the numbers.
  private struct Progress: Codable {
    let words: [String]
    let steps: Int
    let imageCount: Int
    /// Nil before the first step.
    let loss: Float?
    let seconds: Double
    let imagesPerSecond: Double
  }

  private static let note = "progress"

  /// - Throws: ``CheckpointError`` if there is no such file or it is damaged.
  init(directory: String) throws {
    let path = Self.path(in: directory)
    do {
      training = try Checkpoint(contentsOf: path)
    } catch {
      throw CheckpointError(description: "\(error)")
    }
    guard
      let progress = training.notes[Self.note]
        .flatMap({ try? JSONDecoder().decode(Progress.self, from: Data($0.utf8)) }),
      training.step <= progress.steps
    else { throw CheckpointError(description: "\(path): it is not a checkpoint of pretrain") }
    words = progress.words
    (steps, imageCount) = (progress.steps, progress.imageCount)
    outcome = TrainingOutcome(
      steps: training.step, loss: progress.loss ?? .nan, imagesPerSecond: progress.imagesPerSecond,
      seconds: progress.seconds)
  }

  /// Writes the file; an earlier one stays as it was until this is complete.
  func write(in directory: String) throws { try training.write(to: Self.path(in: directory)) }
}

/// A run cannot go on from its file.
struct CheckpointError: Error, CustomStringConvertible {
  let description: String
}
