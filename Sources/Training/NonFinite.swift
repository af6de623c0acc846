import Datasets
import Foundation
import Nets
import SelfSupervised
import Tensor

/// A loss or a gradient is NaN or infinite.
public struct NonFiniteError: Error, CustomStringConvertible, LocalizedError {
  /// How many steps had been taken before.
  public let step: Int
  /// What became of what.
  let what: String
  /// The file from which the step can be run again, if one was written.
  public let path: String?

  /// What became of what, and what may help.
  public var description: String {
    "\(what) at step \(step); a lower learning rate or clipped gradients may help"
      + (path.map { "; \($0) has the batch and the state" } ?? "")
  }

  /// The description.
  public var errorDescription: String? { description }
}

/// Features are NaN or infinite, so that nothing can be said of them.
public struct NonFiniteFeaturesError: Error, CustomStringConvertible, LocalizedError {
  /// What was found, and what may help.
  public let description: String

  /// The description.
  public var errorDescription: String? { description }

  init(_ features: Tensor) {
    let count = features.shape[0]
    let broken = (0..<count).count(where: { !features[$0].isFinite })
    description =
      "the features of \(broken) of \(count) images are NaN or infinite: the training has diverged, "
      + "or the weights or the images are damaged; a lower learning rate or clipped gradients may "
      + "help"
  }
}

/// A step that can be run again: a checkpoint from just before it, and its batch.
public struct Replay: Sendable {
  /// The state before the step.
  public let checkpoint: Checkpoint
  /// Shape [count, height, width, channels].
  public let images: Tensor
  /// The label of each image, if they are known.
  public let labels: [Int]?
  /// Where each image is in the data set; nil in files of earlier versions.
  public let indices: [Int]?

  private static let (imagesName, labelsName) = ("batch.images", "batch.labels")
  private static let indicesName = "batch.indices"

  init(_ checkpoint: Checkpoint, images: Tensor, labels: [Int], indices: [Int]) {
    self.checkpoint = checkpoint
    self.images = images
    self.labels = labels.isEmpty ? nil : labels
    self.indices = indices
  }

  /// A step in a file.
  ///
  /// - Throws: `FileError` if there is no such file, it is damaged, or it has no batch.
  public init(contentsOf path: String) throws {
    let state = try StateDict(contentsOf: path)
    guard let images = state[Self.imagesName] else {
      throw FileError(path: path, reason: "it has no batch to run again")
    }
    self.images = images
    labels = state[Self.labelsName].map { $0.scalars.map { Int($0) } }
    indices = state[Self.indicesName].map { entry in
      let parts = entry.scalars.map { Int($0) }
      return stride(from: 1, to: parts.count, by: 2).map { parts[$0 - 1] << 24 | parts[$0] }
    }
    checkpoint = try Checkpoint(state, path: path)
  }

  /// Writes the file.
  ///
  /// - Throws: `FileError` if it cannot be written.
  func write(to path: String) throws {
    var entries = [StateDict.Entry(Self.imagesName, images)]
    // A float has 24 bits, fewer than a place in a large data set needs.
    let parts = indices?.flatMap { [$0 >> 24, $0 & 0xff_ffff] }
    for (name, numbers) in [(Self.labelsName, labels), (Self.indicesName, parts)] {
      guard let numbers else { continue }
      entries.append(
        StateDict.Entry(name, Tensor(numbers.map(Float.init)), elementType: .int64))
    }
    var state = checkpoint.state
    for entry in entries { state.merge(StateDict([entry]), prefix: "") }
    try state.write(to: path)
  }

  /// Runs the step's loss and gradients again, from the state before it.
  ///
  /// - Returns: The loss, and the names of parameters whose gradients are not finite.
  public func run(
    _ learner: any Learner, _ optimizer: any Optimizer
  ) throws -> (loss: StepLoss, brokenGradients: [String]) {
    try checkpoint.restore(learner, optimizer)
    optimizer.zeroGradients()
    let loss = learner.stepLoss(on: images, labels: labels, indices: indices)
    loss.backward()
    learner.discardStep()
    let names = learner.modules.flatMap { $0.namedParameters }
      .filter { $0.parameter.gradient?.scalars.allSatisfy(\.isFinite) == false }.map(\.name)
    return (loss, names)
  }
}
