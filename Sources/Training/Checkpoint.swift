import Files
import Nets
import SelfSupervised
import Tensor

/// All that a training goes on from, in one file: what the learner and the optimizer know, and how
/// far it is.
///
/// ```swift
/// try Checkpoint(learner, optimizer, step: step + 1).write(to: "checkpoint.safetensors")
///
/// let checkpoint = try Checkpoint(contentsOf: "checkpoint.safetensors")
/// try checkpoint.restore(learner, optimizer)
/// for (step, batch) in zip(checkpoint.step..<steps, loader.batches(from: checkpoint.step)) { … }
/// ```
///
/// A training continued this way gives what it would have given, bit for bit, on the same kind of
/// processor with any number of threads and the same precision.
public struct Checkpoint: Sendable {
  /// How many steps were taken.
  public let step: Int
  /// Words that the training keeps with it.
  public let metadata: [String: String]
  private let learner: StateDict
  private let optimizer: StateDict
  /// Where it was read.
  private let path: String?

  private static let (learnerName, optimizerName, notesName) = ("learner", "optimizer", "notes")
  private static let stepNote = "step"
  /// Far from the end of integers, so that counting on is safe.
  private static let steps = 0...1 << 40

  /// A snapshot of a training.
  ///
  /// - Parameters:
  ///   - learner: The learner, with its network.
  ///   - optimizer: What moves it.
  ///   - step: How many steps were taken.
  ///   - metadata: Words that the training keeps with it.
  /// - Precondition: `step` is zero or more.
  public init(
    _ learner: any Learner, _ optimizer: any Optimizer, step: Int, metadata: [String: String] = [:]
  ) {
    precondition(
      Self.steps.contains(step), "Checkpoint needs a step in 0...2^40; got \(step)")
    self.step = step
    self.metadata = metadata
    self.learner = learner.state
    self.optimizer = optimizer.state
    path = nil
  }

  /// The checkpoint in a file.
  ///
  /// - Throws: `FileError` if there is no such file, it is damaged, or no checkpoint.
  public init(contentsOf path: String) throws {
    try self.init(StateDict(contentsOf: path), path: path)
  }

  init(_ state: StateDict, path: String) throws {
    guard let note = state.metadata[Self.stepNote] else {
      throw FileError(path: path, reason: "it is not a checkpoint: it has no number of steps")
    }
    guard let step = Int(note), Self.steps.contains(step) else {
      throw FileError(
        path: path, reason: "a checkpoint needs a number of steps in 0...2^40; got \(note)")
    }
    self.step = step
    metadata = state.scoped(to: Self.notesName).metadata
    learner = state.scoped(to: Self.learnerName)
    optimizer = state.scoped(to: Self.optimizerName)
    self.path = path
  }

  /// The tensors of the network that the learner trains.
  package var network: StateDict { learner.scoped(to: "net") }

  /// Writes the file; an earlier one stays as it was until this is complete.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  public func write(to path: String) throws { try state.write(to: path) }

  /// All of it under the names of its parts.
  var state: StateDict {
    var state = StateDict(metadata: [Self.stepNote: "\(step)"])
    state.merge(learner, prefix: Self.learnerName)
    state.merge(optimizer, prefix: Self.optimizerName)
    state.merge(StateDict(metadata: metadata), prefix: Self.notesName)
    return state
  }

  /// Makes a learner and its optimizer what they were; if anything does not fit, neither changes.
  ///
  /// - Throws: `StateError` if names or shapes differ.
  public func restore(_ learner: any Learner, _ optimizer: any Optimizer) throws {
    let changes = try [
      plan(learner, self.learner, under: Self.learnerName),
      plan(optimizer, self.optimizer, under: Self.optimizerName),
    ]
    changes.forEach { $0() }
  }

  private func plan(
    _ part: any Stateful, _ state: StateDict, under name: String
  ) throws -> () -> Void {
    do {
      return try part.plan(state)
    } catch let error as StateError {
      var error = error.prefixed(by: name)
      error.path = path
      throw error
    }
  }
}
