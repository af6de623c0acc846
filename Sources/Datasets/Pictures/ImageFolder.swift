import Foundation
import Tensor

/// Pictures in a directory: JPEG, PNG and WebP files, at any depth.
///
/// ```swift
/// let photos = try ImageFolder.load(directory: "photos", imageSize: 96)
/// let loader = DataLoader(photos, batchSize: 64, shuffled: true, dropsLast: true)
/// ```
///
/// If all of them are in subdirectories, these are the classes, in the order of their names, as in
/// torchvision's `ImageFolder`; else they have no labels. The pictures are decoded once, on all threads,
/// by libjpeg-turbo, libpng and libwebp, which are opened when the first such file comes: a program that
/// reads none needs none of them.
public enum ImageFolder {
  /// Reads all pictures of a directory.
  ///
  /// A picture is resized, antialiased, until it just covers `imageSize`, and its middle is cut out:
  /// torchvision's `Resize` and `CenterCrop`. Transparency, EXIF's orientation and colour profiles are not
  /// heeded, as they are not there. Files that begin with a dot and those with other endings than .jpg,
  /// .jpeg, .png and .webp are left out.
  ///
  /// - Parameters:
  ///   - directory: Where the pictures are.
  ///   - imageSize: The height and width of each image. Learners cut their views out of it, so it may be
  ///     somewhat larger than these.
  ///   - channels: 3 for colours, or 1 for greys: 0.299 red + 0.587 green + 0.114 blue.
  ///   - damaged: Called with each picture that cannot be decoded, which is then left out; when it is nil,
  ///     such pictures are an error.
  /// - Returns: Images of shape [height, width, channels] in the order of their paths, kept as bytes.
  /// - Throws: ``DatasetError``, if there is no picture that can be read, or one that cannot.
  /// - Precondition: `channels` is 1 or 3, and the size is not empty.
  public static func load(
    directory: String, imageSize: Size2D, channels: Int = 3,
    damaged: ((DatasetError) -> Void)? = nil
  ) throws -> LabelledImages {
    precondition(
      [1, 3].contains(channels) && imageSize.height > 0 && imageSize.width > 0,
      "ImageFolder needs 1 or 3 channels and a size of at least 1x1; got \(channels) and \(imageSize)"
    )
    let files = try PictureFiles(in: directory)
    let shape = Shape([imageSize.height, imageSize.width, channels])
    let (bytes, failures) = decoded(files.paths, to: imageSize, channels: channels)
    Memory.releaseUnused()
    let all = LabelledImages(
      bytes: bytes, imageShape: shape, labels: files.labels, classNames: files.classNames)
    guard !failures.isEmpty else { return all }
    guard let damaged, failures.count < all.count else { throw summary(failures, of: all.count) }
    for failure in failures { damaged(failure.error) }
    return all.without(Set(failures.map(\.index)))
  }

  private typealias Failure = (index: Int, error: DatasetError)

  /// The pictures at `paths`, one after the other; black where one cannot be decoded.
  private static func decoded(
    _ paths: [String], to size: Size2D, channels: Int
  ) -> ([UInt8], [Failure]) {
    let length = size.height * size.width * channels
    var errors = [DatasetError?](repeating: nil, count: paths.count)
    let bytes = [UInt8](unsafeUninitializedCapacity: paths.count * length) { out, written in
      errors.withUnsafeMutableBufferPointer { errors in
        // Unsafe: each block writes the rows and the errors of its own range.
        nonisolated(unsafe) let (out, errors) = (out, errors)
        Parallel.forRanges(paths.count, grain: 1) { range in
          for row in range {
            let place = UnsafeMutableBufferPointer(
              rebasing: out[(row * length)..<((row + 1) * length)])
            do {
              let colors = try Picture(path: paths[row], needed: size).fitted(to: size)
              _ = place.initialize(fromContentsOf: (channels == 3 ? colors : colors.grey).bytes)
            } catch {
              place.initialize(repeating: 0)
              errors[row] = error as? DatasetError ?? DatasetError(paths[row], "\(error)")
            }
          }
        }
      }
      written = paths.count * length
    }
    return (bytes, errors.enumerated().compactMap { index, error in error.map { (index, $0) } })
  }

  /// One error of them all.
  private static func summary(_ failures: [Failure], of count: Int) -> DatasetError {
    let first = failures[0].error
    guard failures.count > 1 else { return first }
    let others = failures.dropFirst().prefix(4).map(\.error.path).joined(separator: ", ")
    let rest = failures.count > 5 ? ", …" : ""
    return DatasetError(
      first.path,
      "\(first.reason); of \(count) pictures \(failures.count) cannot be read, also \(others)\(rest)"
    )
  }
}

extension Image {
  /// The luma of an image in colours.
  fileprivate var grey: Image {
    pixels.withUnsafeBufferPointer { colors in
      Image(size: size, channels: 1) { out in
        for pixel in out.indices {
          out[pixel] =
            0.299 * colors[3 * pixel] + 0.587 * colors[3 * pixel + 1] + 0.114
            * colors[3 * pixel + 2]
        }
      }
    }
  }
}
