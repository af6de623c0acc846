import Arguments
import Datasets
import Foundation
import SelfSupervised
import Training

/// What other commands than `train` do with a run.
extension Pretraining {
  /// Images and two views below each.
  func drawViews(to path: String) throws {
    try learner.viewGrid(of: source.training, channels: options.shownChannels).image
      .write(to: path)
    say("drew \(path)")
  }

  /// Writes the report of a run that is there.
  func writeReport() throws {
    let reporter = self.reporter(isForAWholeRun: false)
    reporter.begin(knowsStart: network.knowsStart)
    if let former = options.former { try trainer.restore(former.checkpoint) }
    let log = RunLog(contentsOf: directory.metrics)
    reporter.note(verdict(log).sentences)
    try reporter.write(state: RunReport.state(log, of: source.steps))
    say("wrote \(directory.report)")
  }

  /// Takes the run's first steps again and compares their numbers; writes nothing.
  func verify() throws {
    guard let former = options.former else { return }
    let check = try Verification(RunLog(contentsOf: directory.metrics), former.note, directory)
    say(
      "repeats \(counted(min(Verification.steps, source.steps), "step")) of \(directory.path) with "
        + counted(Threads.count, "thread"))
    trainer.nonFinitePolicy = .stop()
    let reports = Array(trainer.steps().prefix(Verification.steps))
    try trainer.finish()
    say(try check.compare(reports))
  }

  /// How long the rate of images is measured.
  private static let secondsOfPlan = 20.0

  /// Trains for a while, and says what a time comes to.
  func plan(hours: Double) throws {
    describe()
    try checkMemory()
    let rate = try source.imagesPerSecond(
      net, network.architecture.featureLayer, teacher, options, seconds: Self.secondsOfPlan)
    let count = source.training.count
    let epochs = max(1, Int(hours * 3_600 * rate / Double(count)))
    let usual = Double(source.steps * source.imagesPerStep) / rate
    say(
      String(format: "%.0f images/s: ", rate)
        + "an epoch of \(count) images takes \(ProgressLine.time(Double(count) / rate)), the "
        + "\(source.steps) steps of this command line \(ProgressLine.time(usual)), and "
        + "\(hours.formatted()) h are --epochs \(epochs)")
  }

  /// Runs a step again whose values were not finite.
  static func replay(_ options: Options, _ replay: Replay) throws {
    let run = try Pretraining(options)
    defer { run.directory.removeIfEmpty() }
    let (loss, broken) = try replay.run(run.learner, run.trainer.optimizer)
    say("step \(replay.checkpoint.step): loss \(loss.item), \(broken.count) gradients not finite")
    broken.prefix(20).forEach(say)
  }
}
