import Arguments
import Datasets
import Files
import Foundation
import SelfSupervised
import Training

/// One run: train, save, evaluate.
struct Pretraining {
  let options: Options
  private(set) var source: Source
  let network: StartingNetwork
  let net: any Module
  let teacher: Teacher?
  let learner: any Learner
  let trainer: Trainer
  let directory: RunDirectory
  /// Held while this writes to the directory.
  private let lock: DirectoryLock?
  /// What the run's checkpoints say of it.
  let note: RunNote

  /// A run that has not begun.
  ///
  /// - Parameters:
  ///   - options: The command line.
  ///   - trains: Whether it is to take its steps and to write files, which one process does at a time.
  /// - Throws: What is wrong with the command line, the data or the directory.
  init(_ options: Options, trains: Bool = false) throws {
    self.options = options
    // Made before the work, so that a folder without rights costs nobody an hour.
    let group = ProcessGroup.world
    directory = group.isFirst ? try RunDirectory(options) : RunDirectory(existing: "")
    lock = trains && group.isFirst ? try directory.lock() : nil
    let fitsTime = options.minutes != nil && options.length == nil && options.former == nil
    do {
      try RunProcesses.checkSuits(group, options, fitsTime: fitsTime)
      let weights = try GivenWeights(options)
      let choice = try NetworkChoice(options, weights)
      source = try Source(options, choice)
      if !fitsTime { try Self.checkEvaluations(options, source) }
      network = try StartingNetwork(choice, options, weights, source)
      net = try withRandomSeed(options.seed, network.make)
      teacher = try GivenTeacher(options, source).map { given in
        try options.withCompute { Teacher.kept(try given.features()) }
      }
      if let minutes = options.minutes, fitsTime {
        try source.fit(
          minutes: Double(minutes), net, network.architecture.featureLayer, teacher, options)
        try Self.checkEvaluations(options, source)
      }
    } catch {
      if group.isFirst { directory.removeIfEmpty() }
      throw error
    }
    note = RunNote(
      words: options.words, steps: source.steps, imageCount: source.training.count,
      images: source.fingerprint, network: network.architecture.metadata, recipe: source.recipe,
      kernels: options.former.map(\.note.kernels) ?? RunNote.kernels)
    try options.former?.note.check(against: note, stepsTaken: options.former?.checkpoint.step ?? 0)
    let training = source.recipe.training(
      net, imageSize: source.viewSize, hiddenLayer: network.architecture.featureLayer,
      steps: source.steps, teacher: teacher, seed: options.seed)
    learner = training.learner
    trainer = Trainer(
      learner, optimizer: training.optimizer, loader: source.loader(seed: options.seed),
      stepCount: source.steps)
    trainer.learningRate = source.recipe.schedule(steps: source.steps)
    trainer.accumulatedBatches = options.accumulatedBatches
    trainer.gradientClip = options.gradientClip
    // Steps that fit are taken to the end: cut off, they would end at a high rate.
    trainer.timeLimit = fitsTime ? nil : options.minutes.map { .seconds(60 * Double($0)) }
    trainer.nonFinitePolicy = options.skipsNonFinite ? .skip() : .stop(writingTo: directory.path)
    trainer.metadata = try note.metadata
  }

  private var backbone: BackboneFile {
    BackboneFile(directory.backbone, net, network.architecture, options, source)
  }

  func run() throws {
    let reporter = options.writesReport ? self.reporter(isForAWholeRun: true) : nil
    describe()
    try checkMemory()
    if let path = options.views { try drawViews(to: path) }
    if options.former == nil { try directory.removeFormerRun() }
    let log = try MetricsLog(directory.metrics, after: options.former?.checkpoint.step)
    let untrained = try source.judge.map {
      (try $0.scoresOfPixels(), network.knowsStart ? try $0.scores(of: learner) : nil)
    }
    reporter?.begin(knowsStart: network.knowsStart)
    let looks = RunEvaluation(options, source)
    if options.former == nil, let looks {
      try log.write(try looks.metrics(of: learner), epoch: 0, step: 0)
    }
    // What evaluations have used suits no step.
    Memory.releaseUnused()
    trainer.callbacks = callbacks(log, looks?.evaluation)
    if let tensorBoard = try tensorBoard { trainer.callbacks.append(tensorBoard) }
    if let reporter { trainer.callbacks.append(ReportAtCheckpoints(reporter: reporter)) }
    if let former = options.former {
      try trainer.restore(former.checkpoint)
      say("goes on after step \(former.checkpoint.step)")
      if former.note.recipe != note.recipe {
        say("the run began with the recipe of another version; it goes on with this version's")
      }
    }
    reporter?.formerSeconds = trainer.progress.seconds
    let failure: FileError?
    do {
      failure = try train()
    } catch let error as NonFiniteError {
      // No step: a run that goes on from before it drops the line.
      try? log.write(
        JSONRecord([("event", .string("nonfinite")), ("what", .string("\(error)"))]))
      reporter?.note(verdict(RunLog(contentsOf: log.path)).sentences)
      if let reporter { _ = write(reporter, "The run has ended.", stepSeconds: nil) }
      throw error
    }
    let result = trainer.result
    if result.hasDiverged { say(Self.divergence) }
    if let looks, failure == nil { try lookAtTheEnd(looks, log) }
    let summary = RunSummary(
      trained: try scores(result), untrained: untrained,
      queryCount: source.queryCount, beganWithWeights: options.weights != nil,
      method: options.method, networkType: network.architecture.typeName, result: result,
      verdict: verdict(RunLog(contentsOf: log.path), hasDiverged: result.hasDiverged))
    try? log.write(summary.record)
    if failure == nil {
      try? backbone.write(steps: result.progress.steps, results: results(summary, log.path))
    }
    reporter?.note(summary.advice)
    let report = reporter.flatMap {
      write(
        $0, RunReport.state(RunLog(contentsOf: log.path), of: source.steps),
        stepSeconds: trainer.progress.seconds - $0.formerSeconds)
    }
    let files = [log.path, directory.backbone] + (report.map { [$0] } ?? [])
    say(summary.text(directory: directory.path, files: files.filter { $0 != failure?.path }))
    if let failure { throw failure }
  }

  /// Looks at the network where the run has ended, unless an evaluation has: a signal or a limit of time
  /// asks for no interval.
  private func lookAtTheEnd(_ looks: RunEvaluation, _ log: MetricsLog) throws {
    let steps = trainer.progress.steps
    let last = RunLog(contentsOf: log.path).lastEvaluatedStep ?? 0
    guard !trainer.result.hasDiverged, last < steps else { return }
    let metrics = try looks.metrics(of: learner)
    TrainingEvent.evaluation(metrics).text.map(say)
    let perEpoch = source.steps(epochs: 1)
    try? log.write(metrics, epoch: (steps + perEpoch - 1) / perEpoch, step: steps)
  }

  /// What labels say of the trained network; nil where there are none, or where it has diverged.
  private func scores(_ result: TrainingResult) throws -> FeatureScores? {
    do {
      return try source.judge?.scores(of: learner)
    } catch let error as NonFiniteFeaturesError {
      guard result.hasDiverged else { throw error }
      return nil
    }
  }

  /// Takes the steps of a process that is not the first: that one writes and prints.
  func follow() throws {
    if let former = options.former { try trainer.restore(former.checkpoint) }
    do {
      try trainer.run()
    } catch  where error is NonFiniteError || error is ProcessGroupError {
      // The first process says so, and ends all.
    }
  }

  func verdict(_ log: RunLog, hasDiverged: Bool = false) -> RunVerdict {
    RunVerdict(
      log, stepCount: max(log.stepCount, trainer.progress.steps), hasDiverged: hasDiverged,
      beganWithWeights: options.weights != nil)
  }

  /// What the file of the network says of it: what labels say, and the last evaluation without them.
  private func results(_ summary: RunSummary, _ log: String) -> [(name: String, value: Double)] {
    let log = RunLog(contentsOf: log)
    return (summary.trained.map { [("knn", Double($0.knn))] } ?? [])
      + ["view_neighbors", "rotation_accuracy", "feature_rank"].compactMap { name in
        log.points(name).last.map { (name, $0.value) }
      }
  }

  private static let divergence =
    "warning: the training has diverged, a weight is NaN or above a million; a lower learning "
    + "rate or --clip may help"

  func reporter(isForAWholeRun: Bool) -> RunReporter {
    RunReporter(
      options, source, network.architecture, learner, directory,
      isForAWholeRun: isForAWholeRun)
  }

  /// Writes the report; one that cannot be written is no reason to end otherwise.
  ///
  /// - Returns: Where it is; nil if it could not be written.
  private func write(_ reporter: RunReporter, _ state: String, stepSeconds: Double?) -> String? {
    do {
      try reporter.write(state: state, stepSeconds: stepSeconds)
      return directory.report
    } catch {
      say("\(error)")
      return nil
    }
  }

  /// Says before the work, rather than the system's killer in it, that the memory will not do.
  func checkMemory() throws {
    guard source.training.count >= 4 else { return }
    // Of several machines this one has a part.
    let images = (Double(source.batchSize) * RunProcesses.shareOfThisMachine).rounded(.up)
    let step = StepMemory(
      of: learner, images: source.training.images(in: 0..<4), batchSize: Int(images))
    // Gradients and what the optimizer remembers; what a reverse pass needs for a moment comes on
    // top: nothing that would do is refused.
    let weights = 2 * 4 * learner.parameters.reduce(0) { $0 + $1.value.shape.elementCount }
    let needed = Memory.usage.liveBytes + step.bytes + weights
    guard needed > Machine.memoryLimit else { return }
    throw UsageError(
      "a step of --batch \(source.batchSize) images needs at least \(needed / 1_000_000) MB of memory; "
        + "\(Machine.memoryLimit / 1_000_000) MB may be used. Take a smaller --batch, --size or --width"
    )
  }

  /// Takes all steps; what is trained is saved however that ends.
  ///
  /// - Returns: A file that could not be written at the end.
  private func train() throws -> FileError? {
    var progress = ProgressLine(steps: trainer.stepCount)
    defer { progress.finish() }
    do {
      try trainer.run { report in
        progress.update(report)
        for event in report.events { if let text = event.text { progress.interrupt(with: text) } }
      }
    } catch let error as FileError where error.kind == .unwritable {
      return error
    } catch let error as NonFiniteError {
      do { try saveState(before: error) } catch { say("\(error)") }
      throw error
    } catch let error as FileError {
      // Pictures that can no longer be read: the steps so far are as good as ever.
      do {
        try saveState()
        say(
          "the network and a checkpoint were saved; \(CommandLine.arguments[0]) --resume "
            + "\(directory.path) goes on")
      } catch { say("\(error)") }
      throw error
    }
    return nil
  }

  /// The state before a step that was not finite is the last good one, unless the steps before have
  /// ruined the weights: then what was saved earlier stays, if anything was.
  private func saveState(before error: NonFiniteError) throws {
    guard learner.net.state.entries.allSatisfy({ $0.value.isFinite }) else { return }
    if trainer.result.hasDiverged, FileManager.default.fileExists(atPath: checkpoint) {
      return say(Self.divergence + ". What was saved before stays")
    }
    try saveState()
    say(
      """
      the network and a checkpoint from before step \(error.step) were saved;
        \(CommandLine.arguments[0]) --resume \(directory.path) --learning-rate RATE
      goes on from there at another rate
      """)
  }

  private var checkpoint: String { CheckpointPolicy.path(in: directory.path) }

  private func saveState() throws {
    try backbone.write(steps: trainer.progress.steps)
    try trainer.checkpoint().write(to: checkpoint)
  }

  private static func checkEvaluations(_ options: Options, _ source: Source) throws {
    guard let epochs = options.evaluateEvery else { return }
    guard source.judge != nil || source.labelFree != nil else {
      throw UsageError(
        "--evaluate-every needs more images to look at; there are \(source.training.count)")
    }
    let first = source.steps(epochs: epochs)
    if options.keepBest != nil, source.steps < first {
      throw UsageError(
        "--keep-best needs a training of at least \(first) steps, after which --evaluate-every first "
          + "evaluates; it has \(source.steps)")
    }
  }

  private func callbacks(
    _ log: MetricsLog, _ evaluation: Evaluation?
  ) -> [any TrainingCallback] {
    var callbacks: [any TrainingCallback] = [CollapseWatch()] + (evaluation.map { [$0] } ?? [])
    let metric = RunEvaluation.metric(source)
    if let patience = options.patience {
      callbacks.append(EarlyStopping(on: metric, patience: patience))
    }
    if let count = options.keepBest {
      callbacks.append(BestNetworks(in: directory.path, count: count, by: metric))
    }
    return callbacks + [
      log, SavedNetwork(file: backbone),
      CheckpointPolicy(
        in: directory.path, every: options.checkpointSteps.map { .steps($0) } ?? .minutes(5)),
    ]
  }

  /// After all others: an evaluation comes before it, and the network is saved before its files.
  private var tensorBoard: TensorBoardLog? {
    get throws {
      guard options.writesTensorBoard else { return nil }
      return try TensorBoardLog(
        in: directory.path, after: options.former?.checkpoint.step,
        projecting: source.labeled?.queries,
        size: source.imageSize, showing: options.shownChannels)
    }
  }

  private static var processes: String {
    let size = ProcessGroup.world.size
    return size == 1 ? "" : " in each of \(size) processes"
  }

  func describe() {
    let count = learner.net.parameterCount
    say(
      """
      \(options.method.rawValue) trains \(network.words.name) (\(network.words.sizes), \(count) parameters) on \
      \(source.training.count) images of \(options.data)
      \(source.steps) steps of \(source.batchSize * options.accumulatedBatches) images, \(source.sizes), \(source.recipe.optimizer.kind.rawValue) at \(source.recipe.optimizer.learningRate), seed \
      \(options.seed), \(counted(Threads.count, "thread"))\(Self.processes)
      \(source.judges)
      """)
  }
}

extension TrainingEvent {
  /// What the terminal shows of it; nil for what needs no line.
  fileprivate var text: String? {
    switch self {
    case .warning(let warning): "\(warning)"
    case .evaluation(let metrics):
      "evaluation: "
        + ["knn", "view_neighbors", "rotation_accuracy"].compactMap { name in
          metrics[name].map { "\(name) " + String(format: "%.3f", $0) }
        }.joined(separator: ", ")
    case .stop(let reason): "the training ends: \(reason)"
    case .notWritten: description
    case .checkpoint: nil
    }
  }
}
