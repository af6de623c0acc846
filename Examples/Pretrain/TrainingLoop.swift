import Datasets
import Dispatch
import ExampleSupport
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

/// When labels are asked during a training, and what is kept by what they say.
struct Judging {
  /// After how many epochs each.
  let epochs: Int
  let judge: Judge
  let best: BestNetworks?
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
  /// What judges the network on the way.
  let judging: Judging?

  private static let stepsBetweenLines = 20
  private static let secondsBetweenCheckpoints = 300.0

  /// Trains, from the first step or from where a checkpoint was written.
  func run(from checkpoint: RunCheckpoint?) throws -> TrainingOutcome {
    try checkpoint?.restore(learner, optimizer)
    let interruption = Interruption()
    var outcome = checkpoint?.outcome ?? TrainingOutcome()
    var progress = ProgressLine(steps: steps)
    var collapse = CollapseWatch()
    var lastCheckpoint = Date()
    var batches = loader.batches(from: outcome.steps)
    for step in outcome.steps..<steps where !interruption.isRequested {
      try take(step, &batches, &outcome)
      progress.show(outcome, learner.statistics)
      let warning = collapse.warning(learner, optimizer: optimizer, batchSize: loader.batchSize)
      if let warning { progress.interject("\(warning)") }
      try judge(after: step, progress)
      if Date().timeIntervalSince(lastCheckpoint) >= Self.secondsBetweenCheckpoints {
        try save(outcome)
        lastCheckpoint = Date()
      }
    }
    outcome.wasInterrupted = interruption.isRequested && outcome.steps < steps
    progress.finish()
    try save(outcome)
    return outcome
  }

  /// One step, the time that it took and now and then a line in the log.
  private func take(
    _ step: Int, _ batches: inout DataLoader.Batches, _ outcome: inout TrainingOutcome
  ) throws {
    let start = Date()
    let loss = train(on: batches.nextBatch(), step: step)
    guard loss.isFinite else {
      throw TrainingError(
        "the loss became \(loss) at step \(step); a lower --learning-rate may help")
    }
    outcome.steps = step + 1
    outcome.loss = outcome.loss.isNaN ? loss : outcome.loss + 0.05 * (loss - outcome.loss)
    outcome.seconds += Date().timeIntervalSince(start)
    outcome.imagesPerSecond = Double((step + 1) * loader.batchSize) / outcome.seconds
    if step % Self.stepsBetweenLines == 0 || step == steps - 1 {
      try files.log(record(outcome, loss: loss))
    }
  }

  /// What the labels say, if an epoch has ended after which they are asked.
  private func judge(after step: Int, _ progress: ProgressLine) throws {
    guard let judging, (step + 1).isMultiple(of: judging.epochs * loader.batchCount) else { return }
    let epoch = (step + 1) / loader.batchCount
    let accuracy = judging.judge.accuracy(of: learner)
    progress.interject(String(format: "after epoch %d: kNN accuracy %.3f", epoch, accuracy))
    try judging.best?.consider(learner.net, epoch: epoch, accuracy: accuracy)
    try files.log(
      JSONRecord([
        ("event", .string("epoch")), ("epoch", .integer(epoch)), ("step", .integer(step + 1)),
        ("knn", .share(accuracy)),
      ]))
  }

  private func save(_ outcome: TrainingOutcome) throws {
    try RunCheckpoint(
      words: words, steps: steps, imageCount: loader.dataset.count, outcome: outcome,
      learner: learner, optimizer: optimizer
    ).write(in: files.directory)
  }

  private func train(on batch: Batch, step: Int) -> Float {
    optimizer.learningRate = learningRate.value(at: step)
    optimizer.zeroGradients()
    let loss = loss(of: batch)
    let value = loss.item
    loss.backward()
    optimizer.step()
    learner.updateMovingAverage()
    return value
  }

  /// Labels change nothing of it; NNCLR counts by them how many neighbours are of the right class.
  private func loss(of batch: Batch) -> Tensor {
    guard let nnclr = learner as? NNCLR, !batch.labels.isEmpty else {
      return learner(batch.images)
    }
    return nnclr.loss(nnclr.views(of: batch.images), labels: batch.labels)
  }

  private func record(_ outcome: TrainingOutcome, loss: Float) -> JSONRecord {
    let statistics = learner.statistics
    let measures = learner.measures.map { ($0.name, JSONRecord.Value.number(Double($0.value))) }
    return JSONRecord(
      [
        ("event", .string("step")), ("step", .integer(outcome.steps)),
        ("loss", .number(Double(loss))), ("spread", .number(Double(statistics.spread))),
        ("dead_share", .number(Double(statistics.deadShare))),
        ("effective_rank", .number(Double(statistics.effectiveRank))),
      ] + measures + [
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
