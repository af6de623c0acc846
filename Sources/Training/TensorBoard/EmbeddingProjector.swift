import Datasets
import Files
import Foundation
import Images
import SelfSupervised
import Tensor

/// Features that TensorBoard's embedding projector shows as points, with the images and the classes
/// that they are of.
struct EmbeddingProjector {
  /// Shape [count, width].
  let features: Tensor
  /// As many images.
  let images: any ImageDataset
  /// The one or three channels that are shown; the first ones if it is nil.
  var channels: [Int]?

  private static let (config, tensor, labels, sprite) = (
    "projector_config.pbtxt", "projector-features.tsv", "projector-labels.tsv",
    "projector-images.png"
  )

  static let fileNames = [config, tensor, labels, sprite]

  /// The height and width above which images are shown at a smaller size: TensorBoard refuses a
  /// picture of all of them that is larger than 8,192 pixels.
  private static let mostPixels = 64

  /// Writes the four files; those that do not apply are left out.
  ///
  /// - Throws: `FileError` if one cannot be written.
  func write(to directory: String) throws {
    let values = features.scalars
    let width = features.shape[1]
    try Self.write(
      to: "\(directory)/\(Self.tensor)",
      lines: (0..<features.shape[0]).map { row in
        values[row * width..<(row + 1) * width].map { "\($0)" }.joined(separator: "\t")
      })
    if let classes { try Self.write(to: "\(directory)/\(Self.labels)", lines: classes) }
    let thumbnails = try writeSprite(to: "\(directory)/\(Self.sprite)")
    // Last: it names the others.
    try Self.write(to: "\(directory)/\(Self.config)", lines: configuration(thumbnails))
  }

  private static func write(to path: String, lines: [String]) throws {
    let text = lines.map { $0 + "\n" }.joined()
    try writeAtomically(to: path) { try $0.write(contentsOf: Data(text.utf8)) }
  }

  /// The class of each image; a single column has no head. Nil without labels.
  private var classes: [String]? {
    guard !images.labels.isEmpty else { return nil }
    let names = images.classNames.map { name in
      name.split(whereSeparator: { $0 == "\t" || $0.isNewline }).joined(separator: " ")
    }
    return images.labels.map { names[$0] }
  }

  /// All images in rows of one picture, as many as there are rows.
  ///
  /// - Returns: The size of each; nil if none was written, for inputs that are no images, or because
  ///   libpng is missing.
  private func writeSprite(to path: String) throws -> Size2D? {
    let shape = images.imageShape
    guard shape.rank == 3 else { return nil }
    let size = Size2D(height: shape[0], width: shape[1]).fitted(within: Self.mostPixels)
    let small = images.features { resized($0, to: size) }
    let perRow = Int(Double(images.count).squareRoot().rounded(.up))
    let columns = (0..<perRow).map { column in
      stride(from: column, to: images.count, by: perRow).map {
        PixelImage(small[$0]).shown(channels)
      }
    }
    do {
      try ImageGrid(columns: columns, gap: 0).image.write(to: path)
    } catch let error as FileError where error.kind == .missingLibrary {
      return nil
    }
    return size
  }

  /// The message `ProjectorConfig` as text.
  private func configuration(_ thumbnails: Size2D?) -> [String] {
    let sprite = thumbnails.map { size in
      [
        "  sprite {", "    image_path: \"\(Self.sprite)\"",
        "    single_image_dim: \(size.width)", "    single_image_dim: \(size.height)", "  }",
      ]
    }
    return [
      "embeddings {", "  tensor_name: \"features\"", "  tensor_path: \"\(Self.tensor)\"",
      "  tensor_shape: \(features.shape[0])", "  tensor_shape: \(features.shape[1])",
    ] + (classes == nil ? [] : ["  metadata_path: \"\(Self.labels)\""]) + (sprite ?? []) + ["}"]
  }
}
