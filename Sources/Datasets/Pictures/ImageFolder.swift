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
  /// - Returns: Images of shape [height, width, channels] in the order of their paths, kept as bytes.
  /// - Throws: ``DatasetError``, if there is no picture or one cannot be decoded, which names the first.
  /// - Precondition: `channels` is 1 or 3, and the size is not empty.
  public static func load(
    directory: String, imageSize: Size2D, channels: Int = 3
  ) throws -> LabelledImages {
    precondition(
      [1, 3].contains(channels) && imageSize.height > 0 && imageSize.width > 0,
      "ImageFolder needs 1 or 3 channels and a size of at least 1x1; got \(channels) and \(imageSize)"
    )
    let files = try PictureFiles(in: directory)
    let shape = Shape([imageSize.height, imageSize.width, channels])
    let bytes = try decoded(files.paths, to: imageSize, channels: channels)
    return LabelledImages(
      bytes: bytes, imageShape: shape, labels: files.labels, classNames: files.classNames)
  }

  /// The pictures at `paths`, one after the other.
  private static func decoded(
    _ paths: [String], to size: Size2D, channels: Int
  ) throws -> [UInt8] {
    let length = size.height * size.width * channels
    var failures = [DatasetError?](repeating: nil, count: paths.count)
    let bytes = [UInt8](unsafeUninitializedCapacity: paths.count * length) { out, written in
      failures.withUnsafeMutableBufferPointer { failures in
        // Unsafe: each block writes the rows and the failures of its own range.
        nonisolated(unsafe) let (out, failures) = (out, failures)
        Parallel.forRanges(paths.count, grain: 1) { range in
          for row in range {
            let place = UnsafeMutableBufferPointer(
              rebasing: out[(row * length)..<((row + 1) * length)])
            do {
              let picture = try Picture(path: paths[row], needed: size)
              let bytes = picture.image.fitted(to: size, channels: channels).bytes
              _ = place.initialize(fromContentsOf: bytes)
            } catch {
              place.initialize(repeating: 0)
              failures[row] = error as? DatasetError ?? DatasetError(paths[row], "\(error)")
            }
          }
        }
      }
      written = paths.count * length
    }
    try report(failures.compactMap { $0 }, of: paths.count)
    return bytes
  }

  private static func report(_ failures: [DatasetError], of count: Int) throws {
    guard let first = failures.first else { return }
    guard failures.count > 1 else { throw first }
    let others = failures.dropFirst().prefix(4).map(\.path).joined(separator: ", ")
    let rest = failures.count > 5 ? ", …" : ""
    throw DatasetError(
      first.path,
      "\(first.reason); of \(count) pictures \(failures.count) cannot be read, also \(others)\(rest)"
    )
  }
}

extension Image {
  /// The middle of this image, resized until it just covers `size`, in colours or greys.
  fileprivate func fitted(to size: Size2D, channels: Int) -> Image {
    let isWide = width * size.height >= height * size.width
    let covering =
      isWide
      ? Size2D(height: size.height, width: size.height * width / height)
      : Size2D(height: size.width * height / width, width: size.width)
    let colors = resized(to: covering).cropped(to: .center(size, of: covering))
    return channels == 3 ? colors : colors.grey
  }

  /// The luma of an image in colours.
  private var grey: Image {
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
