import Arguments
import Files
import Foundation
import SelfSupervised
import Training

/// Writes `backbone.safetensors`: the network without its classifier, which nothing has trained, and
/// words that say what it is.
struct BackboneFile {
  let path: String
  private let net: any Module
  private let classifier: String
  private let metadata: [String: String]

  /// The file of a run; the article Elsewhere lists the words.
  init(
    _ path: String, _ net: any Module, _ architecture: NetworkArchitecture, _ options: Options,
    _ source: Source
  ) {
    (self.path, self.net) = (path, net)
    classifier = architecture.classifier
    var metadata = architecture.metadata
    metadata["format_version"] = "1"
    metadata["method"] = options.method.rawValue
    metadata["image_size"] = "\(source.imageSize.height)x\(source.imageSize.width)"
    metadata[Self.normalization] = Self.noNormalization + ": values 0...1"
    metadata["data"] = options.data.nameInPath
    metadata["image_count"] = "\(source.training.count)"
    metadata["began_with"] = options.weights?.nameInPath ?? "random weights"
    self.metadata = metadata
  }

  private static let (normalization, noNormalization) = ("normalization", "none")

  /// Whether a file says that its network knows images as they are, as this program's do.
  static func seesPlainImages(_ metadata: [String: String]) -> Bool {
    metadata[normalization]?.hasPrefix(noNormalization) ?? false
  }

  /// The size of the images that a network takes best.
  ///
  /// - Throws: `FileError` if the file cannot be read or does not say.
  static func imageSize(in path: String) throws -> Size2D {
    try imageSize(of: try StateDict(contentsOf: path).metadata, in: path)
  }

  /// The same of a file that is read already.
  static func imageSize(of metadata: [String: String], in path: String) throws -> Size2D {
    // Earlier versions evaluated images of the size of views.
    let words = metadata["image_size"] ?? metadata["view_size"]
    let sides = (words ?? "").split(separator: "x").compactMap { Int($0) }
    guard sides.count == 2, sides.allSatisfy({ (1...65_536).contains($0) }) else {
      throw FileError(
        path: path,
        reason: "needs an image_size such as 64x64 in its metadata; it has \(words ?? "none"), as "
          + "those of earlier versions: --resume the run, which writes it")
    }
    return Size2D(height: sides[0], width: sides[1])
  }

  /// Writes the features of the network in a file as ONNX, for images of the size that it takes best.
  ///
  /// - Throws: An error if the network is not there or the model cannot be written.
  static func exportONNX(_ backbone: String, to path: String) throws {
    let (architecture, net) = try NetworkArchitecture.network(contentsOf: backbone)
    let (channels, size) = (architecture.inputChannels, try imageSize(in: backbone))
    try net.exportONNX(
      to: path, imageSize: size, inputChannels: channels, hiddenLayer: architecture.featureLayer,
      metadata: [
        "images": "values 0...1, not normalized, as the training saw them",
        "output": "the features of each image",
      ].merging(try StateDict(contentsOf: backbone).metadata) { $1 })
    say(
      "wrote \(path): images [batch, \(channels), \(size.height), \(size.width)] of values 0...1 "
        + "become features [batch, width]")
  }

  /// Writes the network as it is now.
  ///
  /// - Parameters:
  ///   - steps: How many steps it was trained.
  ///   - results: What evaluations say of it.
  /// - Throws: `FileError` if the file cannot be written; an earlier one stays as it was.
  func write(steps: Int, results: [(name: String, value: Double)] = []) throws {
    var state = net.state.removing(classifier)
    state.metadata = metadata
    state.metadata["steps"] = "\(steps)"
    for (name, value) in results where value.isFinite {
      state.metadata[name] = String(format: "%.4f", value)
    }
    try makeDirectory(at: path.directoryOfPath)
    try state.write(to: path)
  }
}

/// Writes the network when a training has ended: before the checkpoint, which is larger and for
/// which there may be no room.
struct SavedNetwork: TrainingCallback {
  let file: BackboneFile

  func callAsFunction(after report: StepReport, in trainer: Trainer) -> [TrainingEvent] { [] }

  func trainingEnded(_ trainer: Trainer) throws { try file.write(steps: trainer.progress.steps) }
}
