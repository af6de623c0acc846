import Datasets
import Dispatch
import Foundation
import SelfSupervised

/// How a training ended.
struct TrainingOutcome {
  var steps = 0
  var loss: Float = .nan
  var imagesPerSecond = 0.0
  var seconds = 0.0
  var wasInterrupted = false
}

/// The steps of a run, with its progress on the terminal and in the log.
struct TrainingLoop {
  let learner: any Learner
  let loader: DataLoader
  let steps: Int
  let optimizer: any Optimizer
  let learningRate: any Schedule
  let files: RunFiles
  /// The command line, for checkpoints.
  let words: [String]

  private static let stepsBetweenLines = 20
  private static let secondsBetweenCheckpoints = 300.0

  /// Trains, from the first step or from where a checkpoint was written.
  func run(from checkpoint: Checkpoint?) throws -> TrainingOutcome {
    try checkpoint?.restore(learner, optimizer)
    let interruption = Interruption()
    var outcome = checkpoint?.outcome ?? TrainingOutcome()
    let (first, start) = (outcome.steps, Date() - outcome.seconds)
    var progress = ProgressLine(steps: steps)
    var collapse = CollapseWatch()
    var smoothed = outcome.loss
    var lastCheckpoint = Date()
    for step in first..<steps where !interruption.isRequested {
      let batch = loader.epoch(step / loader.batchCount)[step % loader.batchCount]
      let loss = train(on: batch.images, step: step)
      smoothed = smoothed.isNaN ? loss : smoothed + 0.05 * (loss - smoothed)
      guard loss.isFinite else {
        throw TrainingError(
          "the loss became \(loss) at step \(step); a lower --learning-rate may help")
      }
      outcome.steps = step + 1
      outcome.loss = smoothed
      outcome.seconds = Date().timeIntervalSince(start)
      outcome.imagesPerSecond = Double((step + 1) * loader.batchSize) / outcome.seconds
      progress.show(outcome, learner.statistics)
      if let warning = collapse.warning(
        learner, optimizer: optimizer, batchSize: loader.batchSize)
      {
        progress.interject("\(warning)")
      }
      if step % Self.stepsBetweenLines == 0 || step == steps - 1 {
        try files.log(record(outcome, loss: loss))
      }
      if Date().timeIntervalSince(lastCheckpoint) >= Self.secondsBetweenCheckpoints {
        try save(outcome)
        lastCheckpoint = Date()
      }
    }
    outcome.wasInterrupted = interruption.isRequested
    progress.finish()
    try save(outcome)
    return outcome
  }

  private func save(_ outcome: TrainingOutcome) throws {
    try Checkpoint(words: words, outcome: outcome, learner: learner, optimizer: optimizer)
      .write(in: files.directory)
  }

  private func train(on images: Tensor, step: Int) -> Float {
    optimizer.learningRate = learningRate.value(at: step)
    optimizer.zeroGradients()
    let loss = learner(images)
    let value = loss.item
    loss.backward()
    optimizer.step()
    learner.updateMovingAverage()
    return value
  }

  private func record(_ outcome: TrainingOutcome, loss: Float) -> JSONRecord {
    JSONRecord([
      ("event", .string("step")), ("step", .integer(outcome.steps)),
      ("loss", .number(Double(loss))), ("spread", .number(Double(learner.statistics.spread))),
      ("effective_rank", .number(Double(learner.statistics.effectiveRank))),
      ("learning_rate", .number(Double(optimizer.learningRate))),
      ("images_per_second", .number(outcome.imagesPerSecond)),
      ("seconds", .number(outcome.seconds)),
    ])
  }
}

/// A training cannot go on.
struct TrainingError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
