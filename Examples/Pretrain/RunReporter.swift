import Arguments
import Datasets
import Files
import Foundation
import Images
import SelfSupervised
import Training

/// Writes `report.html` of a run, and keeps what it shows beside the run's files.
final class RunReporter {
  private let options: Options
  private let source: Source
  private let architecture: NetworkArchitecture
  private let learner: any Learner
  private let directory: RunDirectory
  /// The images whose features are shown.
  private let shown: Subset
  private let start = ContinuousClock.now
  /// What was warned of, and what labels advise.
  private(set) var verdict: [String] = []
  /// How long all of this took so far.
  private var seconds = 0.0
  private var longestWriting = 0.0
  /// The time of the steps that earlier processes have taken.
  var formerSeconds = 0.0
  /// Features of the untrained network, of shape [count, width].
  private var untrained: Tensor?
  private var views: RunReport.Views?

  /// The share of the time of the steps that reports may take before the last one.
  private static let largestShare = 0.02

  /// A report of a run in a directory, for which `learner` has to be as the run began until
  /// ``begin(knowsStart:)``.
  init(
    _ options: Options, _ source: Source, _ architecture: NetworkArchitecture,
    _ learner: any Learner, _ directory: RunDirectory,
    isForAWholeRun: Bool
  ) {
    shown = Self.shown(source, isForAWholeRun: isForAWholeRun)
    (self.options, self.source) = (options, source)
    self.architecture = architecture
    (self.learner, self.directory) = (learner, directory)
  }

  /// Looks at the network before its first step, if its weights are known, and at views of a few
  /// images.
  func begin(knowsStart: Bool) {
    timed {
      untrained = knowsStart ? features : nil
      views = try? RunReport.Views(viewGrid)
    }
  }

  private func timed<Result>(_ body: () throws -> Result) rethrows -> Result {
    let start = ContinuousClock.now
    defer { seconds += (ContinuousClock.now - start) / .seconds(1) }
    return try body()
  }

  /// What the network makes of the images that are shown; nil if a number of it is not finite.
  private var features: Tensor? {
    let batchSize = LabelFreeEvaluator.batchSize(of: shown)
    let features = shown.features(batchSize: batchSize) { [learner, source] images in
      learner.embedding(of: resized(images, to: source.imageSize))
    }
    return features.isFinite ? features : nil
  }

  private var viewGrid: ImageGrid {
    let longest = max(source.viewSize.height, source.viewSize.width)
    return learner.viewGrid(
      of: source.training, cell: source.viewSize.fitted(within: Self.longestView),
      magnification: max(1, Self.longestView / longest), channels: options.shownChannels)
  }

  private static let longestView = 96

  /// At most a thousand images, drawn at random, for sets may have an order; fewer for a short
  /// training, of whose time their features would take much.
  private static func shown(_ source: Source, isForAWholeRun: Bool) -> Subset {
    let enough = isForAWholeRun ? max(200, source.steps * source.batchSize / 20) : .max
    let count = min(source.shown.count, mostShown, enough)
    var stream = RandomStream(seed: 0)
    return source.shown.sampled(count, using: &stream)
  }

  private static let mostShown = 1_000

  /// Sentences for the top of the report.
  func note(_ sentences: [String]) { verdict += sentences }

  /// Writes what there is so far, unless that would take too much of the run's time.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  func write(during trainer: Trainer) throws {
    guard seconds + longestWriting <= Self.largestShare * trainer.progress.seconds else { return }
    let before = seconds
    try write(
      state: "The run goes on. This is what it was at a checkpoint.", hasPictures: false,
      stepSeconds: trainer.progress.seconds - formerSeconds)
    longestWriting = max(longestWriting, seconds - before)
  }

  /// Writes the whole report.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  ///
  /// - Parameters:
  ///   - state: Whether the run goes on.
  ///   - hasPictures: Whether it has what the network makes of pictures, which takes some seconds.
  ///   - stepSeconds: The time of the steps that this process has taken; nil if it has taken none.
  func write(state: String, hasPictures: Bool = true, stepSeconds: Double? = nil) throws {
    let soFar = (ContinuousClock.now - self.start) / .seconds(1)
    let other = stepSeconds.map { max(0, soFar - seconds - $0) }
    try timed { try writeReport(state, hasPictures, other) }
  }

  private func writeReport(_ state: String, _ hasPictures: Bool, _ otherSeconds: Double?) throws {
    let start = ContinuousClock.now
    var report = RunReport(
      title: "\(options.method.rawValue) on \(options.dataName)", state: state,
      log: RunLog(contentsOf: directory.metrics))
    report.verdict = verdict
    report.plannedSteps = source.steps
    report.configuration = configuration
    report.views = views
    if hasPictures {
      do {
        report.pictures = try features.map {
          try PictureStudy(
            of: shown, before: untrained, after: $0, channels: options.shownChannels)
        }
        if report.pictures == nil {
          report.verdict.append("Some of the network's features are no numbers: there is no map.")
        }
      } catch {
        report.verdict.append("There are no pictures: \(error).")
      }
    }
    report.machine = RunReport.machine(report.log)
    report.otherSeconds = otherSeconds
    report.seconds = seconds + (ContinuousClock.now - start) / .seconds(1)
    try report.write(to: directory.report)
  }

  private var configuration: [RunReport.Row] {
    [
      .init("Method", options.method.rawValue),
      .init(
        "Network",
        "\(architecture), \(learner.net.parameterCount) parameters"),
      .init("First weights", options.weights ?? "random"),
      .init("Images", "\(source.training.count) of \(options.data)"),
      .init("Labels", source.judges),
      .init(
        "Steps",
        "\(source.steps) of \(source.batchSize * options.accumulatedBatches) images, "
          + "\(source.steps(epochs: 1)) to an epoch"),
      .init("Views", source.sizes),
      .init(
        "Optimizer",
        "\(source.recipe.optimizer.kind.rawValue) at \(source.recipe.optimizer.learningRate)"),
      .init("Recipe", recipe),
      .init("Precision", options.precision.rawValue),
      .init("Seed", "\(options.seed)"),
      .init("Command line", (["pretrain"] + options.words).joined(separator: " ")),
    ]
  }
}

extension RunReporter {
  /// The numbers that `--crop` and `--set` change.
  private var recipe: String {
    let settings = RecipeSetting.all.filter { $0.methods.contains(options.method) }.map {
      ($0.name, $0.value(in: source.recipe))
    }
    return ([("crop", source.recipe.crop.lowerBound)] + settings)
      .map { name, value in name + String(format: " %g", value) }.joined(separator: ", ")
  }
}

extension RunReport {
  /// A report of what a directory holds, where neither data nor checkpoint can be read.
  static func curves(of directory: RunDirectory) -> RunReport {
    let log = RunLog(contentsOf: directory.metrics)
    var report = RunReport(title: directory.path.nameInPath, state: state(log), log: log)
    report.verdict = RunVerdict(log).sentences
    report.machine = machine(report.log)
    return report
  }

  /// How a run that is over ended, if it had so many steps to take.
  static func state(_ log: RunLog, of steps: Int? = nil) -> String {
    switch log.summary["interrupted"] {
    case nil: "The run has not come to its end."
    case 0 where log.stepCount >= steps ?? 0: "The run has ended."
    default: "The run was stopped before its last step."
    }
  }

  static func machine(_ log: RunLog) -> [Row] {
    let memory = log.summary["peak_rss_mb"] ?? Double(Machine.peakResidentSize / 1_000_000)
    let core = Machine.blasCore
    return [
      Row("Processor", "\(Machine.processor), \(Threads.count) threads"),
      Row("Products", "\(Machine.blasVersion), kernels for \(core.inUse)"),
      Row("System", ProcessInfo.processInfo.operatingSystemVersionString),
      Row("Memory", "\(Int(memory)) MB at most, of \(Machine.memoryLimit / 1_000_000)"),
      Row("Written", Date().formatted(.iso8601)),
    ]
  }
}

/// Writes the report after each checkpoint.
struct ReportAtCheckpoints: TrainingCallback {
  let reporter: RunReporter

  /// Writes the report if a callback before this one wrote a checkpoint.
  func callAsFunction(after report: StepReport, in trainer: Trainer) throws -> [TrainingEvent] {
    for case .warning(let warning) in report.events { reporter.note(["\(warning)."]) }
    let hasCheckpoint = report.events.contains { if case .checkpoint = $0 { true } else { false } }
    guard hasCheckpoint else { return [] }
    do {
      try reporter.write(during: trainer)
      return []
    } catch let error as FileError {
      return [.notWritten(error)]
    }
  }
}
