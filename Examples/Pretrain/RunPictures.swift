import Arguments
import Datasets
import Files
import Foundation
import Images
import SelfSupervised
import Training

/// The network of a run that is there, and pictures for it to look at.
struct RunPictures {
  /// Pictures of one directory, or of one part of it or of a data set with a name.
  struct Part {
    let name: String
    let images: any ImageDataset
  }

  private let options: Options
  private let net: ResNet
  private let viewSize: Size2D
  private let channels: Int

  /// Reads the network of a run.
  ///
  /// - Throws: ``CheckpointError``, `FileError` or `StateError` if it cannot be read.
  init(run directory: String) throws {
    guard let options = try Options(["--resume", directory]) else {
      throw UsageError("a command that looks at pictures needs the directory of a run")
    }
    self.options = options
    let backbone = RunDirectory(existing: directory).backbone
    let state = try StateDict(contentsOf: backbone)
    channels = state.entries.first { $0.name == "conv1.weight" }?.value.shape[1] ?? 3
    net = Pretraining.net(options, channels: channels)
    try net.load(from: backbone)
    viewSize = try Self.viewSize(options)
  }

  private static func viewSize(_ options: Options) throws -> Size2D {
    if let side = options.size { return Size2D(side) }
    let sets = try ImageSets(options)
    if let side = sets.recipe.viewSize { return Size2D(side) }
    let shape = sets.training.imageShape
    return Size2D(height: shape[0], width: shape[1])
  }

  /// The pictures that a command looks at: those of the run if none are given.
  func parts(of data: String?) throws -> [Part] {
    var options = options
    if let data { options.data = data }
    let isDirectory = ImageSets.arePictures(options)
    guard isDirectory else {
      let sets = try ImageSets(options)
      return [Part(name: "training", images: sets.training)]
        + (sets.heldOut.map { [Part(name: "test", images: $0)] } ?? [])
    }
    let contents = try ImageFolder.contents(of: options.data)
    let loader = PictureLoader(options)
    let found = contents.splits.map { [$0.training] + ($0.evaluation.map { [$0] } ?? []) }
    return try (found ?? [contents]).map {
      Part(name: $0.directory, images: try loader.images(of: $0, channels: channels))
    }
  }

  /// What the network makes of pictures.
  func embeddings(of part: Part) throws -> Embeddings {
    try options.withCompute {
      try Embeddings(of: part.images, by: net, hiddenLayer: "avgpool", imageSize: viewSize)
    }
  }

  /// What it makes of the pictures in files.
  func features(ofFiles files: [String]) throws -> Tensor {
    let format = PictureLoader(options).format(channels: channels)
    let images = try files.map { file in
      try Tensor(shape: format.shape) { _ = try format.render(RawPath(file), into: $0) }
    }
    return try embeddings(
      of: Part(name: "", images: LabeledImages(images: stacked(images)))
    ).features
  }
}
