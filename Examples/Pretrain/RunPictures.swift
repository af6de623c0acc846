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

  let options: Options
  let architecture: NetworkArchitecture
  let net: any Module
  let channels: Int
  let imageSize: Size2D

  /// Reads the network of a run.
  ///
  /// - Throws: ``CheckpointError``, `FileError` or `StateError` if it cannot be read.
  init(run directory: String) throws {
    guard var options = try Options(["--resume", directory]) else {
      throw UsageError("a command that looks at pictures needs the directory of a run")
    }
    let backbone = RunDirectory(existing: directory).backbone
    (architecture, net) = try NetworkArchitecture.network(contentsOf: backbone)
    channels = architecture.inputChannels
    imageSize = try BackboneFile.imageSize(in: backbone)
    options.size = options.size ?? max(imageSize.height, imageSize.width)
    self.options = options
  }

  /// The pictures that a command looks at: those of the run if none are given.
  func parts(of data: [String]?) throws -> [Part] {
    try (data ?? options.dataPaths).flatMap { path in
      var options = options
      options.dataPaths = [path]
      guard !ImageSets.isName(path), !ImageSets.holdsNoPictures(path) else {
        let sets = try ImageSets(options)
        try checkChannels(of: sets, named: path)
        return [Part(name: "training", images: sets.training)]
          + (sets.heldOut.map { [Part(name: "test", images: $0)] } ?? [])
      }
      let contents = try ImageFolder.contents(of: path)
      let found = contents.splits.map { [$0.training] + ($0.evaluation.map { [$0] } ?? []) }
      let loader = try PictureLoader(options, [contents], channels: channels)
      return try (found ?? [contents]).map {
        Part(name: $0.directory, images: try loader.images(of: [$0]))
      }
    }
  }

  /// Throws unless the network takes images of as many channels.
  func checkChannels(of sets: ImageSets, named name: String) throws {
    let found = sets.training.imageShape[2]
    guard found != channels else { return }
    throw UsageError(
      "the network of this run takes images of \(counted(channels, "channel")); those of \(name) have "
        + "\(found)")
  }

  /// What the network makes of pictures.
  func embeddings(of part: Part) throws -> Embeddings {
    try options.withCompute {
      try Embeddings(
        of: part.images, by: net, hiddenLayer: architecture.featureLayer, imageSize: imageSize,
        named: part.name)
    }
  }

  /// What it makes of the pictures in files, read at the size of others: a picture that is among them
  /// is then found as itself.
  func features(ofFiles files: [String], like part: Part) throws -> Tensor {
    var pictures = options.pictures
    pictures.depth = options.depth ?? .eight
    let shape = part.images.imageShape
    let format = ImageFormat(
      Size2D(height: shape[0], width: shape[1]), channels: channels, options: pictures)
    let images = try files.map { file in
      try Tensor(shape: format.shape) { _ = try format.render(RawPath(file), into: $0) }
    }
    return try embeddings(
      of: Part(name: "", images: LabeledImages(images: stacked(images)))
    ).features
  }
}
