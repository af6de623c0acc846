import Tensor

/// Pictures that stay in their files and are decoded when a batch asks for them, on all threads: for sets
/// that memory does not hold. ``ImageFolder/open(directory:imageSize:channels:damaged:)`` makes them.
///
/// A picture is decoded again in every epoch; ``ImageFolder/load(directory:imageSize:channels:damaged:)``
/// decodes it once.
public struct PicturesOnDemand: ImageDataset {
  /// The shape of one image: [height, width, channels].
  public let imageShape: Shape
  /// The class of each image; empty when the images are unlabelled.
  public let labels: [Int]
  /// What the classes are called; empty when the images are unlabelled.
  public let classNames: [String]
  /// The file of each image.
  public let paths: [String]
  private let form: PictureForm
  private let damaged: (@Sendable (DatasetError) -> Void)?

  init(
    _ files: PictureFiles, _ form: PictureForm, damaged: (@Sendable (DatasetError) -> Void)?
  ) {
    paths = files.paths
    labels = files.labels
    classNames = files.classNames
    imageShape = form.shape
    self.form = form
    self.damaged = damaged
  }

  /// The number of images.
  public var count: Int { paths.count }

  /// The images at `indices`, in that order, with values 0...1; black where a picture cannot be decoded.
  ///
  /// - Returns: Shape [count of indices, height, width, channels].
  /// - Precondition: Every index is in `0..<count`, and, unless it was said what is to be done about them, all
  ///   pictures can be decoded.
  public func images(at indices: [Int]) -> Tensor {
    rendered(indices, grain: 1) { index, out in
      do {
        let bytes = try form.bytes(of: paths[index])
        for element in out.indices { out[element] = Float(bytes[element]) / 255 }
      } catch {
        let error = DatasetError(paths[index], error)
        guard let damaged else {
          preconditionFailure("\(error); `damaged:` of ImageFolder.open makes such pictures black")
        }
        out.update(repeating: 0)
        damaged(error)
      }
    }
  }
}
