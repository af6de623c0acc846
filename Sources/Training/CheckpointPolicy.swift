import Foundation
import Nets
import SelfSupervised
import Tensor

/// Writes checkpoints of a training: at intervals, at signals and at the end.
///
/// `checkpoint.safetensors` in the directory is always the last one, and whole: a new one takes its
/// place when it is complete. SIGINT, SIGTERM and SIGHUP end the training after a last checkpoint,
/// SIGUSR1 asks for one. One that cannot be written, because the disk is full say, ends nothing but
/// at the end: the next is tried at its time.
public struct CheckpointPolicy: TrainingCallback {
  /// The file of the last checkpoint.
  public let path: String
  private var interval: TrainingInterval?
  private let heedsSignals: Bool
  private var signals: Interruption?

  /// Checkpoints in a directory that exists.
  ///
  /// - Parameters:
  ///   - directory: Where `checkpoint.safetensors` is written.
  ///   - interval: When, besides signals and the end.
  ///   - heedsSignals: Whether signals ask for a checkpoint, from now to the end of the training; they
  ///     do so for the whole process.
  public init(
    in directory: String, every interval: TrainingInterval? = nil, heedsSignals: Bool = true
  ) {
    path = Self.path(in: directory)
    self.interval = interval
    self.heedsSignals = heedsSignals
    signals = heedsSignals ? Interruption() : nil
  }

  /// The file of the last checkpoint in a directory.
  public static func path(in directory: String) -> String {
    directory + "/checkpoint.safetensors"
  }

  /// The last checkpoint in a directory; nil if there is none.
  ///
  /// ```swift
  /// if let last = try CheckpointPolicy.last(in: "runs/1") { try trainer.restore(last) }
  /// ```
  ///
  /// - Throws: `FileError` if there is one that cannot be read.
  public static func last(in directory: String) throws -> Checkpoint? {
    let path = path(in: directory)
    return FileManager.default.fileExists(atPath: path) ? try Checkpoint(contentsOf: path) : nil
  }

  /// Writes a checkpoint if the interval ends or a signal asks for one.
  public mutating func callAsFunction(
    after report: StepReport, in trainer: Trainer
  ) throws -> [TrainingEvent] {
    // Those of a training that was over, and goes on.
    if heedsSignals, signals?.isActive != true { signals = Interruption() }
    if signals?.endIsRequested == true { return [.stop(reason: Interruption.reason)] }
    let isDue = interval?.ends(with: report) ?? false
    guard signals?.takeSaveRequest() == true || isDue else { return [] }
    do {
      try write(trainer)
      return [.checkpoint(path: path)]
    } catch let error as FileError {
      return [.notWritten(error)]
    }
  }

  /// Writes the last checkpoint; after it signals do what they did before.
  public mutating func trainingEnded(_ trainer: Trainer) throws {
    defer { signals?.end() }
    try write(trainer)
  }

  /// Writes nothing: the last checkpoint is one from before the error. Signals do what they did before.
  public mutating func trainingFailed(_ trainer: Trainer) { signals?.end() }

  private func write(_ trainer: Trainer) throws {
    // Somebody may have removed it.
    try makeDirectory(at: path.directoryOfPath)
    try trainer.checkpoint().write(to: path)
  }
}
