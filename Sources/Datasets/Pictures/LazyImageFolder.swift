import Files
import Images
import Synchronization
import Tensor

/// Pictures that stay in their files and are decoded when a batch asks for them, on all threads:
/// for sets that memory does not hold.
///
/// ``ImageFolder/open(directory:imageSize:channels:options:onDecodingError:)`` makes them. A picture is
/// decoded again in every epoch;
/// ``ImageFolder/load(directory:imageSize:channels:options:onDecodingError:)`` decodes it once.
public struct LazyImageFolder: ImageDataset {
  /// The shape of one image: [height, width, channels].
  public let imageShape: TensorShape
  /// The class of each image; empty when the images are unlabeled.
  public let labels: [Int]
  /// What the classes are called; empty when the images are unlabeled.
  public let classNames: [String]
  private let contents: FolderContents
  private let format: ImageFormat
  private let onDecodingError: (@Sendable (FileError) -> Void)?

  init(
    _ contents: FolderContents, _ format: ImageFormat,
    onDecodingError: (@Sendable (FileError) -> Void)?
  ) {
    (labels, classNames) = (contents.labels, contents.classNames)
    self.contents = contents
    imageShape = format.shape
    (self.format, self.onDecodingError) = (format, onDecodingError)
  }

  /// The number of images.
  public var count: Int { contents.count }

  /// The file of each image.
  public var paths: [String] { contents.paths }

  /// The file of one image.
  func path(of index: Int) -> String { "\(contents.path(index))" }

  /// The images at `indices`, in that order, with values 0...1.
  ///
  /// - Returns: Shape [count of indices, height, width, channels].
  /// - Precondition: Every index is in `0..<count`, and all pictures can be decoded, unless
  ///   `onDecodingError:` was given: then others stand in their place.
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
        try render(index, into: out)
      } catch {
        out.update(repeating: 0)
        first.withLock { $0 = $0 ?? FileError(error, at: "\(contents.path(index))") }
      }
    }
    if let error = first.withLock({ $0 }) {
      throw FileError(
        error.path,
        error.reason + "; `onDecodingError:` of ImageFolder.open puts others in their place",
        error.kind)
    }
    return images
  }

  /// The picture at `index`, or the next one of its class that can be decoded: a black image would
  /// be learned, as what all broken files have in common.
  private func render(_ index: Int, into out: UnsafeMutableBufferPointer<Float>) throws {
    let label = labels.isEmpty ? nil : labels[index]
    for offset in 0..<count {
      let candidate = (index + offset) % count
      guard label == nil || labels[candidate] == label else { continue }
      do {
        _ = try format.render(contents.path(candidate), into: out)
        return
      } catch {
        guard let onDecodingError else { throw error }
        let error = FileError(error, at: "\(contents.path(candidate))")
        guard error.kind != .missingLibrary else { throw error }
        // The others are told when it is their turn.
        if offset == 0 { onDecodingError(error) }
      }
    }
    throw FileError("\(contents.path(index))", "cannot be decoded, nor can another of its class")
  }
}
