import Foundation
import SelfSupervised
import Training

/// What pretrain keeps in its checkpoints beside the training: the command line and the data's
/// size.
struct RunNote: Codable {
  let words: [String]
  let steps: Int
  let imageCount: Int
  /// What tells the images from others; nil in older files.
  var images: String?
  /// What the network is; nil in older files.
  var network: [String: String]?
  /// The recipe, but for its rate, which may change; nil in older files.
  var recipe: String?
  /// What computed the first steps; nil in older files.
  var kernels: String?

  private static let name = "progress"

  /// The command line with the method that it meant: earlier versions, which trained BYOL unless they
  /// were told otherwise, did not note it.
  var meantWords: [String] {
    let names = words.contains { $0 == "--method" || $0.hasPrefix("--method=") }
    return names ? words : words + ["--method", MethodName.byol.rawValue]
  }

  /// The notes of a trainer.
  var metadata: [String: String] {
    get throws { [Self.name: String(decoding: try JSONEncoder().encode(self), as: UTF8.self)] }
  }

  /// The note in a checkpoint.
  ///
  /// - Throws: ``CheckpointError`` if there is none.
  init(_ checkpoint: Checkpoint, path: String) throws {
    guard
      let note = checkpoint.metadata[Self.name]
        .flatMap({ try? JSONDecoder().decode(Self.self, from: Data($0.utf8)) })
    else { throw CheckpointError(description: "\(path): it is not a checkpoint of pretrain") }
    self = note
  }

  init(
    words: [String], steps: Int, imageCount: Int, images: String, network: [String: String],
    recipe: Recipe, kernels: String?
  ) {
    (self.words, self.steps, self.imageCount) = (words, steps, imageCount)
    (self.images, self.network) = (images, network)
    var recipe = recipe
    recipe.optimizer.learningRate = 0
    self.recipe = "\(recipe)"
    self.kernels = kernels
  }

  /// What tells one machine's arithmetic from another's.
  static var kernels: String {
    let limit = ProcessInfo.processInfo.environment["TENSOR_MAX_ISA"]
    return "OpenBLAS's kernels for \(Machine.blasCore.inUse) on \(Machine.processor)"
      + (limit.map { ", limited to \($0)" } ?? "")
  }

  /// Throws unless the data are what they were, and the run is no shorter than it has come.
  func check(against now: RunNote, stepsTaken: Int) throws {
    guard now.imageCount == imageCount else {
      throw CheckpointError(
        description: "the run had \(imageCount) images and would now have \(now.imageCount): the "
          + "data have changed")
    }
    guard images == nil || images == now.images else {
      throw CheckpointError(
        description: "the run had other images than there are now: the data have changed")
    }
    guard now.steps >= stepsTaken else {
      throw CheckpointError(
        description:
          "the run has taken \(stepsTaken) steps already; it cannot end after \(now.steps)")
    }
  }
}

/// A run cannot go on from its file.
struct CheckpointError: Error, CustomStringConvertible {
  let description: String
}
