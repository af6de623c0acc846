import Foundation
import SelfSupervised

/// Looks at each step of a training: evaluates, saves, warns, stops.
///
/// Callbacks are called in their order, after the step and with its report, in which those before
/// have left their events.
public protocol TrainingCallback {
  /// Looks at a step.
  ///
  /// - Returns: What there is to say; ``TrainingEvent/stop(reason:)`` ends the training.
  mutating func callAsFunction(
    after report: StepReport, in trainer: Trainer
  ) throws -> [TrainingEvent]

  /// The training is over; called once, by ``Trainer/finish()``.
  mutating func trainingEnded(_ trainer: Trainer) throws

  /// An error has ended the training; called in place of ``trainingEnded(_:)``.
  mutating func trainingFailed(_ trainer: Trainer)

  /// What the callback remembers, as text for a checkpoint; empty if nothing.
  var memory: String { get set }
}

extension TrainingCallback {
  /// Nothing.
  public func trainingEnded(_ trainer: Trainer) {}

  /// Nothing.
  public func trainingFailed(_ trainer: Trainer) {}

  /// Nothing is remembered.
  public var memory: String {
    get { "" }
    set {}
  }
}

extension TrainingCallback where Self: Codable {
  /// All of the callback, in JSON. Text that does not fit changes nothing.
  public var memory: String {
    get { (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "" }
    set {
      if let value = try? JSONDecoder().decode(Self.self, from: Data(newValue.utf8)) {
        self = value
      }
    }
  }
}

/// When something happens in a training: after a number of steps, passes over the data or minutes.
public struct TrainingInterval: Sendable {
  private let steps: Int?
  private let epochs: Int?
  private let minutes: Double?
  private var last = ContinuousClock.now

  /// After every `count` steps.
  public static func steps(_ count: Int) -> TrainingInterval { .init(count, nil, nil) }
  /// After every `count` passes over the data.
  public static func epochs(_ count: Int) -> TrainingInterval { .init(nil, count, nil) }
  /// After every `count` minutes.
  public static func minutes(_ count: Double) -> TrainingInterval { .init(nil, nil, count) }

  private init(_ steps: Int?, _ epochs: Int?, _ minutes: Double?) {
    precondition(
      min(steps ?? 1, epochs ?? 1) > 0 && (minutes ?? 1) > 0,
      "an interval needs more than zero; got \(steps ?? epochs ?? 0) or \(minutes ?? 0) minutes")
    (self.steps, self.epochs, self.minutes) = (steps, epochs, minutes)
  }

  /// Whether the interval ends with this step.
  mutating func ends(with report: StepReport) -> Bool {
    if let steps { return report.step.isMultiple(of: steps) }
    if let epochs {
      let ended = report.epoch + 1
      return report.endsEpoch && ended / epochs > (ended - report.endedEpochCount) / epochs
    }
    guard let minutes, ContinuousClock.now - last >= .seconds(60 * minutes) else { return false }
    last = .now
    return true
  }
}

/// Evaluates the network now and then.
///
/// ```swift
/// let judge = KNNEvaluator(bank: training.first(5_000), queries: test)
/// trainer.callbacks.append(Evaluation(every: .epochs(1)) { ["knn": try judge.accuracy(of: $0)] })
/// ```
public struct Evaluation: TrainingCallback {
  private var interval: TrainingInterval
  private let evaluate: (any Learner) throws -> Metrics

  /// Numbers of the network by name, at every interval.
  public init(
    every interval: TrainingInterval, _ evaluate: @escaping (any Learner) throws -> Metrics
  ) {
    self.interval = interval
    self.evaluate = evaluate
  }

  /// Evaluates if the interval ends.
  public mutating func callAsFunction(
    after report: StepReport, in trainer: Trainer
  ) throws -> [TrainingEvent] {
    interval.ends(with: report) ? [.evaluation(try evaluate(trainer.learner))] : []
  }
}

/// Ends a training when a number of its evaluations has not risen for a while.
public struct EarlyStopping: TrainingCallback {
  private let metric: String
  private let patience: Int
  private let least: Float
  private var best = -Float.infinity
  private var waited = 0

  /// Ends a training after `patience` evaluations whose `metric` is not above the best so far by
  /// more than `least`.
  public init(on metric: String, patience: Int, least: Float = 0) {
    precondition(patience > 0, "EarlyStopping needs a patience of 1 or more; got \(patience)")
    self.metric = metric
    self.patience = patience
    self.least = least
  }

  /// The best number, and how many evaluations it is old; not what was asked for, which another
  /// training may ask otherwise.
  public var memory: String {
    get {
      let progress = Progress(best: best, waited: waited)
      return (try? JSONEncoder().encode(progress)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    set {
      let progress = try? JSONDecoder().decode(Progress.self, from: Data(newValue.utf8))
      if let progress { (best, waited) = (progress.best, progress.waited) }
    }
  }

  private struct Progress: Codable {
    let best: Float
    let waited: Int
  }

  /// Looks at the evaluations of a step.
  public mutating func callAsFunction(
    after report: StepReport, in trainer: Trainer
  ) -> [TrainingEvent] {
    guard let value = report.evaluated(metric) else { return [] }
    if value > best + least {
      (best, waited) = (value, 0)
    } else {
      // A damaged checkpoint may have the largest number there is.
      waited = min(waited, .max - 1) + 1
    }
    return waited < patience
      ? [] : [.stop(reason: "\(metric) has not risen above \(best) for \(waited) evaluations")]
  }
}

extension StepReport {
  /// The number that an evaluation after this step gave under a name.
  public func evaluated(_ metric: String) -> Float? {
    for case .evaluation(let metrics) in events {
      if let value = metrics[metric] { return value }
    }
    return nil
  }
}

extension CollapseWatch: TrainingCallback {
  /// Warns once when a collapse is certain.
  public mutating func callAsFunction(
    after report: StepReport, in trainer: Trainer
  ) -> [TrainingEvent] {
    let warning = warning(
      of: report.statistics, trainer.learner, optimizer: trainer.optimizer,
      batchSize: trainer.loader.batchSize, imageCount: trainer.loader.dataset.count)
    return warning.map { [.warning($0)] } ?? []
  }
}
