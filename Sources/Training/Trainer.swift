import Datasets
import Foundation
import Nets
import SelfSupervised
import Tensor

/// Trains any learner with any optimizer on the batches of a loader.
///
/// ```swift
/// let trainer = Trainer(learner, optimizer: optimizer, loader: loader, stepCount: 1_000)
/// trainer.learningRate = .warmUpCosine(to: 3e-4, warmUp: 100, steps: 1_000)
/// trainer.callbacks = [CollapseWatch(), CheckpointPolicy(in: "runs/1", every: .minutes(5))]
/// for report in trainer.steps() { print(report.step, report.loss) }
/// try trainer.finish()
/// ```
///
/// or, in one call, `try trainer.run()`. In a program that has joined others (`ProcessGroup`), each
/// process's trainer takes its part of every batch, and all take the steps that one process would;
/// callbacks are called in the first one alone. A training that is restored from a checkpoint goes on bit
/// for bit, on the same kind of processor with any number of threads and the same precision, also to
/// more steps than it had before.
public final class Trainer {
  /// What to do about a loss or a gradient that is NaN or infinite.
  public enum NonFinitePolicy: Sendable {
    /// Ends the training with an error. With a directory, what the step needs to run again is
    /// written there first; see ``Trainer/replay(_:)``.
    case stop(writingTo: String? = nil)
    /// Leaves the step out, and ends the training after `limit` of them in a row.
    case skip(limit: Int = 10)
  }

  /// What is trained.
  public let learner: any Learner
  /// What moves its weights.
  public let optimizer: any Optimizer
  /// Where batches come from.
  public let loader: DataLoader
  /// How many steps the training has.
  public var stepCount: Int
  /// The learning rate of each step; the optimizer's own where it is nil.
  public var learningRate: (any Schedule)?
  /// The weight decay of each step, for groups that decay; their own where it is nil.
  public var weightDecay: (any Schedule)?
  /// How many batches' gradients make one step. Each image is compared with those of its own batch.
  ///
  /// A training that changes it goes on where one that always had the new number would be after as many
  /// steps.
  public var accumulatedBatches = 1 { didSet { batches = nil } }
  /// How many images of a batch go through the network at once, for losses that need large batches:
  /// see ``SelfSupervised/ChunkedLearner``. All of them where it is nil.
  ///
  /// Unlike ``accumulatedBatches`` it leaves the loss that of the whole batch.
  public var chunkSize: Int? { didSet { batches = nil } }
  /// The largest norm of all gradients together; longer ones are scaled down to it.
  public var gradientClip: Float?
  /// What to do about values that are not finite.
  public var nonFinitePolicy = NonFinitePolicy.stop()
  /// How long the training may go on from its first step; time before a checkpoint does not count.
  public var timeLimit: Duration?
  /// How many batches are decoded and drawn ahead, each by a thread of its own; 0 makes a batch
  /// when its step begins, on all threads. Order and numbers are the same.
  ///
  /// Two where there are more cores than threads that train. Where there are not, threads that work
  /// ahead take from the step what they save it, unless files are slow to read.
  public var batchesAhead = Threads.count < Threads.available ? 2 : 0 {
    didSet { batches = nil }
  }
  /// The processes that train together; those of the program unless others are given before the
  /// first step.
  public var group = ProcessGroup.world
  /// How gradients travel between processes.
  public var messagePrecision = MessagePrecision.float32
  /// Whether gradients travel while others are still computed.
  public var sendsDuringBackward = true
  /// After how many steps each the processes compare their weights, which are the same bits.
  public var comparisonInterval = 100
  /// What looks at each step.
  public var callbacks: [any TrainingCallback] = []
  /// Words that checkpoints keep.
  public var metadata: [String: String] = [:]
  /// How far the training is.
  public internal(set) var progress = TrainingProgress()
  /// Why the training ended before its last step.
  public private(set) var stopReason: String?

  private var batches: BatchStream?
  private let decayingGroups: [Int]
  private var skippedInARow = 0
  private var start: ContinuousClock.Instant?
  private var failure: (any Error)?
  private var gradientSum: GradientSum?

  /// A training that has taken no step.
  ///
  /// - Parameters:
  ///   - learner: What is trained.
  ///   - optimizer: What moves its weights.
  ///   - loader: Where batches come from, epoch after epoch.
  ///   - stepCount: How many steps the training has.
  public init(
    _ learner: any Learner, optimizer: any Optimizer, loader: DataLoader, stepCount: Int
  ) {
    precondition(stepCount > 0, "Trainer needs at least 1 step; got \(stepCount)")
    self.learner = learner
    self.optimizer = optimizer
    self.loader = loader
    self.stepCount = stepCount
    decayingGroups = optimizer.groups.indices.filter { optimizer.groups[$0].weightDecay > 0 }
  }

  /// Images in a second, over all steps so far.
  public var imagesPerSecond: Double {
    Double(progress.steps * accumulatedBatches * loader.batchSize) / progress.seconds
  }
}

// MARK: - Running

extension Trainer {
  /// The reports of the steps that are left, each taken when it is asked for.
  ///
  /// An error ends the sequence; ``finish()`` throws it.
  public func steps() -> some Sequence<StepReport> {
    sequence(state: ()) { _ in
      do {
        return try self.next()
      } catch {
        self.failure = error
        return nil
      }
    }
  }

  /// Throws the error that ended ``steps()``, if one did, and tells callbacks that the training is
  /// over.
  @discardableResult
  public func finish() throws -> TrainingResult {
    defer { (batches, start) = (nil, nil) }
    if let failure {
      self.failure = nil
      if group.isFirst { forEachCallback { $0.trainingFailed(self) } }
      throw failure
    }
    // What one callback cannot write is no reason to lose what the others have.
    var failures: [any Error] = []
    guard group.isFirst else { return result }
    forEachCallback { callback in
      do { try callback.trainingEnded(self) } catch { failures.append(error) }
    }
    if let failure = failures.first { throw failure }
    return result
  }

  /// What the training came to so far.
  public var result: TrainingResult {
    TrainingResult(
      progress: progress, imagesPerSecond: imagesPerSecond, stopReason: stopReason,
      wasInterrupted: stopReason == Interruption.reason,
      hasDiverged: learner.parameters.contains { parameter in
        parameter.value.detached.withUnsafeBufferPointer { values in
          values.contains { !(abs($0) <= Self.largestWeight) }
        }
      })
  }

  /// Takes all steps that are left.
  ///
  /// - Parameter each: What is done with each step's report.
  /// - Returns: How the training ended.
  /// - Throws: ``NonFiniteError``, or what a callback throws.
  @discardableResult
  public func run(_ each: (StepReport) throws -> Void = { _ in }) throws -> TrainingResult {
    do {
      while let report = try next() { try each(report) }
    } catch {
      failure = error
    }
    return try finish()
  }

  /// Takes one step; nil when there are none left, or something has stopped the training.
  ///
  /// All processes of a group take the same steps: one that leaves its loop alone keeps the others
  /// waiting.
  ///
  /// - Throws: ``NonFiniteError``, or what a callback throws.
  public func next() throws -> StepReport? {
    guard progress.steps < stepCount, stopReason == nil else { return nil }
    if gradientSum == nil { try joinGroup() }
    let start = start ?? .now
    self.start = start
    var report = try takeStep()
    let streams = learner.randomStreams
    var thrown: (any Error)?
    if group.isFirst {
      do {
        try forEachCallback { report.events += try $0(after: report, in: self) }
        for case .stop(let reason) in report.events { stopReason = reason }
      } catch {
        // The others wait for this one's word.
        (thrown, stopReason) = (error, "a callback has failed")
      }
      if let timeLimit, ContinuousClock.now - start >= timeLimit {
        stopReason = stopReason ?? "the time limit of \(timeLimit) is over"
      }
    }
    let reason = try followFirst(stopReason, streams)
    try compareWeights(isLast: progress.steps == stepCount || reason != nil)
    if let thrown {
      stopReason = nil
      throw thrown
    }
    stopReason = reason
    return report
  }
}

extension Trainer {
  /// Calls `body` with a copy of each callback, for callbacks may read the trainer's.
  private func forEachCallback(_ body: (inout any TrainingCallback) throws -> Void) rethrows {
    for index in callbacks.indices {
      var callback = callbacks[index]
      defer { callbacks[index] = callback }
      try body(&callback)
    }
  }
}

// MARK: - One step

extension Trainer {
  private func takeStep() throws -> StepReport {
    let start = ContinuousClock.now
    let step = progress.steps
    setSchedules(step)
    let source =
      batches
      ?? BatchStream(
        learner, loader.part(group.rank, of: group.size), from: step * accumulatedBatches,
        ahead: batchesAhead, chunkSize: chunkSize)
    batches = source
    let waited = source.waitSeconds
    let before = Before(streams: learner.randomStreams, statistics: learner.runningStatistics)
    let outcome: (loss: Float, gradientNorm: Float?, last: StepLoss)
    do {
      outcome = try withProcessGroup(group) { try differentiate(source, from: before) }
    } catch {
      // A checkpoint of now is one before this step, and a training that goes on takes it again.
      learner.discardStep()
      (learner.randomStreams, learner.runningStatistics) = (before.streams, before.statistics)
      batches = nil
      throw error
    }
    if outcome.gradientNorm != nil {
      optimizer.step()
      learner.updateMovingAverage()
      let average = progress.averageLoss ?? outcome.loss
      progress.averageLoss = average + 0.05 * (outcome.loss - average)
    } else {
      progress.skippedSteps += 1
    }
    progress.steps += 1
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    progress.seconds += seconds
    let batchesTaken = progress.steps * accumulatedBatches
    let ended = batchesTaken / loader.batchCount
    let endedBefore = (batchesTaken - accumulatedBatches) / loader.batchCount
    return StepReport(
      step: progress.steps, epoch: ended > endedBefore ? ended - 1 : ended,
      endedEpochCount: ended - endedBefore, loss: outcome.loss,
      averageLoss: progress.averageLoss ?? .nan, gradientNorm: outcome.gradientNorm ?? .nan,
      statistics: outcome.last.statistics, metrics: outcome.last.metrics,
      learningRate: optimizer.learningRate, isSkipped: outcome.gradientNorm == nil,
      seconds: progress.seconds, imagesPerSecond: imagesPerSecond,
      waitShare: (source.waitSeconds - waited) / seconds)
  }

  private func setSchedules(_ step: Int) {
    if let learningRate { optimizer.learningRate = learningRate.value(at: step) }
    if let weightDecay {
      for group in decayingGroups {
        optimizer.groups[group].weightDecay = weightDecay.value(at: step)
      }
    }
  }

  /// Adds up the gradients of a step's batches.
  ///
  /// - Returns: The mean loss, the norm of the gradients, which is nil if the step is to be left
  ///   out, and the loss of the last batch.
  private func differentiate(
    _ source: BatchStream, from whole: Before
  ) throws -> (loss: Float, gradientNorm: Float?, last: StepLoss) {
    precondition(
      chunkSize == nil || accumulatedBatches == 1,
      "Trainer needs either a chunkSize or accumulatedBatches; got both")
    precondition(
      chunkSize == nil || group.isSingle,
      "Trainer needs one process for a chunkSize; got \(group.size)")
    optimizer.zeroGradients()
    var sum: Float = 0
    var last: StepLoss
    var before: Before
    repeat {
      before = Before(streams: learner.randomStreams, statistics: whole.statistics)
      last = try source.next()
      let loss = group.isSingle ? last.item : Float(group.sum(Double(last.item)))
      sum += loss
      guard loss.isFinite else {
        let norm = try leaveOut("the loss became \(loss)", source, before)
        // The step's other batches are left out with it.
        while !source.count.isMultiple(of: accumulatedBatches) { try source.pass() }
        return (sum, norm, last)
      }
      guard chunkSize == nil else { continue }
      let isLast = source.count.isMultiple(of: accumulatedBatches)
      (accumulatedBatches == 1 ? last.value : last.value / Float(accumulatedBatches)).backward {
        if isLast { gradientSum?.ready($0) }
      }
    } while !source.count.isMultiple(of: accumulatedBatches)
    gradientSum?.finish()
    last = ofAllProcesses(last, source.lastBatch)
    let parameters = learner.parameters
    let norm =
      gradientClip.map { clipGradients(of: parameters, toNorm: $0) } ?? gradientNorm(of: parameters)
    skippedInARow = norm.isFinite ? 0 : skippedInARow
    let usable =
      norm.isFinite
      ? norm : try leaveOut("the norm of the gradients became \(norm)", source, before)
    return (sum / Float(accumulatedBatches), usable, last)
  }

  private static let largestWeight: Float = 1e6

  /// What a loss moves besides gradients: a step that is left out must not leave its values.
  private struct Before {
    let streams: [String: RandomStream]
    let statistics: [Tensor]
  }

  /// Ends the training, or says that this step is to be left out; either way all is as before it.
  private func leaveOut(
    _ what: String, _ source: BatchStream, _ before: Before
  ) throws -> Float? {
    let step = progress.steps
    learner.discardStep()
    learner.runningStatistics = before.statistics
    switch nonFinitePolicy {
    case .skip(let limit):
      skippedInARow += 1
      guard skippedInARow > limit else { return nil }
      throw NonFiniteError(step: step, what: "\(what), like the \(limit) steps before", path: nil)
    case .stop(let directory):
      let path = directory.map { "\($0)/nonfinite-step-\(step).safetensors" }
      learner.randomStreams = before.streams
      guard let path, let batch = source.lastBatch.map(wholeBatch) else {
        throw NonFiniteError(step: step, what: what, path: nil)
      }
      do {
        if group.isFirst {
          try Replay(
            checkpoint(), images: batch.images, labels: batch.labels, indices: batch.indices
          ).write(to: path)
        }
      } catch {
        throw NonFiniteError(step: step, what: "\(what) (and \(error))", path: nil)
      }
      throw NonFiniteError(step: step, what: what, path: path)
    }
  }
}

// MARK: - Going on

extension Trainer {
  private static let (progressNote, callbackNote) = ("trainer", "callback")

  /// All that the training goes on from.
  public func checkpoint() throws -> Checkpoint {
    var metadata = metadata
    metadata[Self.progressNote] = String(
      decoding: try JSONEncoder().encode(progress), as: UTF8.self)
    for (index, callback) in callbacks.enumerated() where !callback.memory.isEmpty {
      metadata["\(Self.callbackNote)\(index)"] = callback.memory
    }
    return Checkpoint(learner, optimizer, step: progress.steps, metadata: metadata)
  }

  /// Makes learner, optimizer, progress and callbacks what they were; if anything does not fit,
  /// nothing changes.
  ///
  /// - Throws: `StateError` if names or shapes differ.
  public func restore(_ checkpoint: Checkpoint) throws {
    var progress = TrainingProgress()
    if let note = checkpoint.metadata[Self.progressNote] {
      guard let saved = TrainingProgress(note: note) else {
        throw StateError(impossible: [(Self.progressNote, "the progress of a training", note)])
      }
      progress = saved
    }
    progress.steps = checkpoint.step
    try checkpoint.restore(learner, optimizer)
    self.progress = progress
    for index in callbacks.indices {
      callbacks[index].memory = checkpoint.metadata["\(Self.callbackNote)\(index)"] ?? ""
    }
    (batches, stopReason, failure, start) = (nil, nil, nil, nil)
  }

  /// Begins with the first process's state, and with what adds up gradients.
  private func joinGroup() throws {
    precondition(
      loader.smallestBatch >= group.size,
      "Trainer needs an image for each process in every batch; got \(loader.smallestBatch) in the "
        + "smallest one and \(group.size) processes")
    try takeStateOfFirst()
    // Its buckets are as large as all gradients.
    gradientSum = GradientSum(
      group.isSingle ? [] : learner.parameters, over: group, precision: messagePrecision,
      overlaps: sendsDuringBackward)
  }
}
