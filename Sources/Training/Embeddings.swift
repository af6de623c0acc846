import Datasets
import Files
import Foundation
import Nets
import SelfSupervised
import Tensor

/// What a network makes of pictures: one row of features for each, of one of its layers.
///
/// They are features of the network, never of a learner's projection, which is thrown away after a
/// training.
///
/// ```swift
/// let photos = try ImageFolder.load(directory: "photos", imageSize: 96)
/// let embeddings = try Embeddings(of: photos, by: net, hiddenLayer: "avgpool", imageSize: 96)
/// try embeddings.write(to: "embeddings.csv")
/// try embeddings.features.writeNumPy(to: "embeddings.npy")
/// ```
public struct Embeddings: Sendable {
  /// Shape [count, width], in the order of the pictures.
  public let features: Tensor
  /// What the pictures are called: their files, or their numbers where they have none.
  public let names: [String]
  /// The class of each; empty when the pictures are unlabeled.
  public let labels: [Int]
  /// What the classes are called.
  public let classNames: [String]

  /// What `net` makes of all pictures, in evaluation mode, in parts so that memory stays flat.
  ///
  /// - Parameters:
  ///   - images: Pictures with values 0...1.
  ///   - net: Any network.
  ///   - hiddenLayer: The layer whose output, flattened, is a picture's row.
  ///   - imageSize: The height and width at which the network sees pictures.
  ///   - name: What stands in front of the numbers of pictures without files; nothing if it is nil.
  /// - Throws: ``NonFiniteFeaturesError`` if a feature is NaN or infinite.
  /// - Precondition: The network has the layer and calls it; there is a picture.
  public init(
    of images: any ImageDataset, by net: any Module, hiddenLayer: HiddenLayer,
    imageSize: any Size2DConvertible, named name: String? = nil
  ) throws {
    let size = imageSize.size2D
    let shape = TensorShape([size.height, size.width, images.imageShape[2]])
    let backbone = Backbone(net, hiddenLayers: [hiddenLayer], inputShape: shape)
    let features = net.evaluating {
      images.features { backbone(resized($0, to: size)) }
    }
    guard features.isFinite else { throw NonFiniteFeaturesError(features) }
    self.init(features, of: images, named: name)
  }

  /// Features of shape [count, width] that belong to `images`.
  init(_ features: Tensor, of images: any ImageDataset, named name: String? = nil) {
    self.features = features
    let prefix = name.map { $0 + "/" } ?? ""
    names = (0..<images.count).map { images.file(of: $0) ?? "\(prefix)\($0)" }
    (labels, classNames) = (images.labels, images.classNames)
  }

  /// Several sets, one after the other; with labels if all have labels of the same classes.
  ///
  /// - Precondition: There is a set, and all have the same width.
  public init(joining parts: [Embeddings]) {
    precondition(!parts.isEmpty, "Embeddings(joining:) needs a set or more; got none")
    features = concatenated(parts.map(\.features))
    names = parts.flatMap(\.names)
    let isLabeled = parts.allSatisfy { $0.classNames == parts[0].classNames }
    labels = isLabeled ? parts.flatMap(\.labels) : []
    classNames = isLabeled ? parts[0].classNames : []
  }

  /// The pictures that are most similar to each of some features.
  ///
  /// - Parameters:
  ///   - features: Shape [count, width], of the same layer of the same network.
  ///   - count: How many are found; at most as many as there are.
  /// - Returns: For each row, the numbers of pictures, the nearest first, and their cosines.
  public func nearest(
    to features: Tensor, count: Int
  ) -> [(indices: [Int], similarities: [Float])] {
    nearestNeighbors(of: features, among: self.features, k: count)
  }

  /// Writes a line for each picture: its path, its class where there are classes, and its features.
  ///
  /// The first line names the columns: path, label, embedding_0, embedding_1 and so on.
  ///
  /// - Throws: ``FileError`` if it cannot be written.
  public func write(to path: String) throws {
    let width = features.shape[1]
    let columns = ["path"] + (labels.isEmpty ? [] : ["label"])
    try writeAtomically(to: path) { file in
      try file.write(
        contentsOf: Data(csvLine(columns + (0..<width).map { "embedding_\($0)" }).utf8))
      for (row, name) in names.enumerated() {
        let fields = [name] + (labels.isEmpty ? [] : [classNames[labels[row]]])
        try file.write(
          contentsOf: Data(csvLine(fields + features[row].scalars.map { "\($0)" }).utf8))
      }
    }
  }
}
