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
  ///   - damaged: Called with each picture that is damaged, which is then left out; when it is nil, such
  ///     pictures are an error. Files that cannot be read and libraries that are missing always are.
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
    var (bytes, failures) = decoded(files.paths, to: imageSize, channels: channels)
    Memory.releaseUnused()
    let count = files.paths.count
    guard failures.isEmpty || damaged != nil, failures.count < count,
      failures.allSatisfy(\.isDamage)
    else { throw summary(failures, of: count) }
    for failure in failures { damaged?(failure.error) }
    let leftOut = Set(failures.map(\.index))
    let kept = (0..<count).filter { !leftOut.contains($0) }
    bytes.moveParts(kept, of: shape.elementCount)
    return LabelledImages(
      bytes: bytes, imageShape: shape,
      labels: files.labels.isEmpty ? [] : kept.map { files.labels[$0] },
      classNames: files.classNames)
  }

  /// A picture that there is none of; whether it is to blame, rather than the machine.
  private struct Failure {
    let index: Int
    let error: DatasetError
    let isDamage: Bool
  }

  /// The pictures at `paths`, one after the other; black where one cannot be decoded.
  private static func decoded(
    _ paths: [String], to size: Size2D, channels: Int
  ) -> ([UInt8], [Failure]) {
    let length = size.height * size.width * channels
    var failures = [Failure?](repeating: nil, count: paths.count)
    let bytes = [UInt8](unsafeUninitializedCapacity: paths.count * length) { out, written in
      failures.withUnsafeMutableBufferPointer { failures in
        // Unsafe: each block writes the rows and the failures of its own range.
        nonisolated(unsafe) let (out, failures) = (out, failures)
        Parallel.forRanges(paths.count, grain: 1) { range in
          for row in range {
            let place = UnsafeMutableBufferPointer(
              rebasing: out[(row * length)..<((row + 1) * length)])
            do {
              let colors = try Picture(decoding: paths[row], needed: size).fitted(to: size)
              _ = place.initialize(fromContentsOf: (channels == 3 ? colors : colors.grey).bytes)
            } catch {
              place.initialize(repeating: 0)
              failures[row] = failure(row, paths[row], error)
            }
          }
        }
      }
      written = paths.count * length
    }
    return (bytes, failures.compactMap { $0 })
  }

  private static func failure(_ index: Int, _ path: String, _ error: any Error) -> Failure {
    if let damage = error as? PictureDamage {
      return Failure(index: index, error: DatasetError(path, damage.reason), isDamage: true)
    }
    let error = error as? DatasetError ?? DatasetError(path, "\(error)")
    return Failure(index: index, error: error, isDamage: false)
  }

  /// One error of them all.
  private static func summary(_ failures: [Failure], of count: Int) -> DatasetError {
    // What is wrong with the machine goes before what is wrong with a picture.
    let first = (failures.first { !$0.isDamage } ?? failures[0]).error
    guard failures.count > 1 else { return first }
    let others = failures.map(\.error.path).filter { $0 != first.path }.prefix(4)
      .joined(separator: ", ")
    let rest = failures.count > 5 ? ", …" : ""
    return DatasetError(
      first.path,
      "\(first.reason); of \(count) pictures \(failures.count) cannot be read, also \(others)\(rest)"
    )
  }
}

extension [UInt8] {
  /// Keeps some parts of `length` bytes each, in increasing order, in the place where they are.
  fileprivate mutating func moveParts(_ kept: [Int], of length: Int) {
    guard kept.count * length < count else { return }
    withUnsafeMutableBufferPointer { bytes in
      guard let start = bytes.baseAddress else { return }
      for (place, part) in kept.enumerated() where place != part {
        (start + place * length).update(from: start + part * length, count: length)
      }
    }
    removeLast(count - kept.count * length)
  }
}

extension Image {
  /// The luma of an image in colours.
  fileprivate var grey: Image {
    pixels.withUnsafeBufferPointer { colors in
      Image(size: size, channels: 1) { out in
        for pixel in out.indices {
          let place = 3 * pixel
          out[pixel] = 0.299 * colors[place] + 0.587 * colors[place + 1] + 0.114 * colors[place + 2]
        }
      }
    }
  }
}
