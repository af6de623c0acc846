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
    let form = PictureForm(imageSize, channels: channels)
    let files = try PictureFiles(in: directory)
    var (bytes, failures) = decoded(files.paths, to: form)
    Memory.releaseUnused()
    let count = files.paths.count
    guard failures.isEmpty || damaged != nil, failures.count < count,
      failures.allSatisfy(\.isDamage)
    else { throw summary(failures, of: count) }
    for failure in failures { damaged?(failure.error) }
    let leftOut = Set(failures.map(\.index))
    let kept = (0..<count).filter { !leftOut.contains($0) }
    bytes.moveParts(kept, of: form.shape.elementCount)
    var images = LabelledImages(
      bytes: bytes, imageShape: form.shape,
      labels: files.labels.isEmpty ? [] : kept.map { files.labels[$0] },
      classNames: files.classNames)
    images.paths = kept.map { files.paths[$0] }
    return images
  }

  /// Finds all pictures of a directory, which are decoded when a batch asks for them: for more pictures than
  /// memory holds. The images are those of ``load(directory:imageSize:channels:damaged:)``.
  ///
  /// - Parameters:
  ///   - directory: Where the pictures are.
  ///   - imageSize: The height and width of each image.
  ///   - channels: 3 for colours, or 1 for greys.
  ///   - damaged: Called, on any thread and every time, with each picture that cannot be read, which is black
  ///     then; when it is nil, such a picture stops the program.
  /// - Returns: Images of shape [height, width, channels] in the order of their paths.
  /// - Throws: ``DatasetError``, if there is no picture, or the first one cannot be read.
  /// - Precondition: `channels` is 1 or 3, and the size is not empty.
  public static func open(
    directory: String, imageSize: Size2D, channels: Int = 3,
    damaged: (@Sendable (DatasetError) -> Void)? = nil
  ) throws -> PicturesOnDemand {
    let form = PictureForm(imageSize, channels: channels)
    let files = try PictureFiles(in: directory)
    do {
      // A library that is missing is missed at once.
      _ = try form.bytes(of: files.paths[0])
    } catch {
      guard error is PictureDamage, damaged != nil else {
        throw DatasetError(files.paths[0], error)
      }
    }
    return PicturesOnDemand(files, form, damaged: damaged)
  }

  /// A picture that there is none of; whether it is to blame, rather than the machine.
  private struct Failure {
    let index: Int
    let error: DatasetError
    let isDamage: Bool
  }

  /// The pictures at `paths`, one after the other; black where one cannot be decoded.
  private static func decoded(
    _ paths: [String], to form: PictureForm
  ) -> ([UInt8], [Failure]) {
    let length = form.shape.elementCount
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
              _ = place.initialize(fromContentsOf: try form.bytes(of: paths[row]))
            } catch {
              place.initialize(repeating: 0)
              failures[row] = Failure(
                index: row, error: DatasetError(paths[row], error),
                isDamage: error is PictureDamage)
            }
          }
        }
      }
      written = paths.count * length
    }
    return (bytes, failures.compactMap { $0 })
  }

  /// One error of them all.
  private static func summary(_ failures: [Failure], of count: Int) -> DatasetError {
    // What is wrong with the machine goes before what is wrong with a picture.
    let first = (failures.first { !$0.isDamage } ?? failures[0]).error
    let isSome = failures.count < count && failures.allSatisfy(\.isDamage)
    let advice = isSome ? "; `damaged:` leaves such pictures out" : ""
    guard failures.count > 1 else { return DatasetError(first.path, first.reason + advice) }
    let others = failures.map(\.error.path).filter { $0 != first.path }.prefix(4)
      .joined(separator: ", ")
    let rest = failures.count > 5 ? ", …" : ""
    return DatasetError(
      first.path,
      "\(first.reason); of \(count) pictures \(failures.count) cannot be read, also \(others)\(rest)"
        + advice)
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
