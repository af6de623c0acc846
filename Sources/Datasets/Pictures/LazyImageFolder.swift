import Files
import Images
import Synchronization
import Tensor

/// Pictures that stay in their files and are decoded when a batch asks for them, on all threads:
/// for sets that memory does not hold.
///
/// ``ImageFolder/open(directory:imageSize:channels:onDecodingError:)`` makes them. A picture is
/// decoded again in every epoch;
/// ``ImageFolder/load(directory:imageSize:channels:onDecodingError:)`` decodes it once.
public struct LazyImageFolder: ImageDataset {
  /// The shape of one image: [height, width, channels].
  public let imageShape: TensorShape
  /// The class of each image; empty when the images are unlabeled.
  public let labels: [Int]
  /// What the classes are called; empty when the images are unlabeled.
  public let classNames: [String]
  /// The file of each image.
  public let paths: [String]
  private let format: ImageFormat
  private let onDecodingError: (@Sendable (FileError) -> Void)?

  init(
    _ files: PictureFiles, _ format: ImageFormat, onDecodingError: (@Sendable (FileError) -> Void)?
  ) {
    (paths, labels, classNames) = (files.paths, files.labels, files.classNames)
    imageShape = format.shape
    (self.format, self.onDecodingError) = (format, onDecodingError)
  }

  /// The number of images.
  public var count: Int { paths.count }

  /// The images at `indices`, in that order, with values 0...1.
  ///
  /// - Returns: Shape [count of indices, height, width, channels].
  /// - Precondition: Every index is in `0..<count`, and all pictures can be decoded, unless
  ///   `onDecodingError:` was given: then the others are black.
  public func images(at indices: [Int]) -> Tensor {
    do {
      return try loadedImages(at: indices)
    } catch {
      preconditionFailure("\(error)")
    }
  }
}

extension LazyImageFolder: FallibleImageDataset {
  func loadedImages(at indices: [Int]) throws -> Tensor {
    let first = Mutex<FileError?>(nil)
    let images = rendered(indices, grain: 1) { index, out in
      do {
        try format.render(paths[index], into: out)
      } catch {
        out.update(repeating: 0)
        let error = FileError(error, at: paths[index])
        if let onDecodingError {
          onDecodingError(error)
        } else {
          first.withLock { $0 = $0 ?? error }
        }
      }
    }
    if let error = first.withLock({ $0 }) {
      throw FileError(
        error.path,
        error.reason + "; `onDecodingError:` of ImageFolder.open makes such pictures black",
        error.kind)
    }
    return images
  }
}
