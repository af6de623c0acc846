import Files
import Images
import Synchronization
import Tensor

/// Pictures in a directory: JPEG, PNG and WebP files, at any depth.
///
/// ```swift
/// let photos = try ImageFolder.load(directory: "photos", imageSize: 96)
/// let loader = DataLoader(photos, batchSize: 64, shuffled: true, dropsLast: true)
/// ```
///
/// If all of them are in subdirectories, these are the classes, in the order of their names, as in
/// torchvision's `ImageFolder`; else they have no labels. libjpeg-turbo, libpng and libwebp decode
/// the pictures; each is opened when the first such file comes.
public enum ImageFolder {
  /// Reads all pictures of a directory.
  ///
  /// A picture is decoded once and resized, antialiased, until it just covers `imageSize`; then its
  /// middle is cut out: torchvision's `Resize` and `CenterCrop`. Transparency, EXIF's orientation
  /// and colour profiles are ignored, as there. Files whose names begin with a dot, or end with
  /// anything but .jpg, .jpeg, .png and .webp, are left out.
  ///
  /// - Parameters:
  ///   - directory: Where the pictures are.
  ///   - imageSize: The height and width of each image. Learners cut their views out of it, so it
  ///     may be somewhat larger than the views.
  ///   - channels: 3 for colours, or 1 for greys: 0.299 red + 0.587 green + 0.114 blue.
  ///   - onDecodingError: Called with each picture that is damaged, which is then left out. When it
  ///     is nil, such pictures are an error. Unreadable files and missing libraries always are.
  /// - Returns: Images of shape [height, width, channels] in the order of their paths, kept as
  ///   bytes.
  /// - Throws: ``FileError``, if there is no picture that can be read, or one that cannot.
  /// - Precondition: `channels` is 1 or 3, and the size is not empty.
  public static func load(
    directory: String, imageSize: Size2D, channels: Int = 3,
    onDecodingError: ((FileError) -> Void)? = nil
  ) throws -> LabeledImages {
    let format = ImageFormat(imageSize, channels: channels)
    let files = try PictureFiles(in: directory)
    var (bytes, failures) = decoded(files.paths, to: format)
    Memory.releaseUnused()
    let count = files.paths.count
    guard failures.isEmpty || onDecodingError != nil, failures.count < count,
      failures.allSatisfy({ $0.error.kind == .damaged })
    else { throw summary(failures.map(\.error), of: count) }
    for failure in failures { onDecodingError?(failure.error) }
    let leftOut = Set(failures.map(\.index))
    let kept = (0..<count).filter { !leftOut.contains($0) }
    bytes.moveParts(kept, of: format.shape.elementCount)
    var images = LabeledImages(
      bytes: bytes, imageShape: format.shape,
      labels: files.labels.isEmpty ? [] : kept.map { files.labels[$0] },
      classNames: files.classNames)
    images.paths = kept.map { files.paths[$0] }
    return images
  }

  /// Finds all pictures of a directory, which are decoded when a batch asks for them: for more
  /// pictures than memory holds.
  ///
  /// The images are those of ``load(directory:imageSize:channels:onDecodingError:)``.
  ///
  /// - Parameters:
  ///   - directory: Where the pictures are.
  ///   - imageSize: The height and width of each image.
  ///   - channels: 3 for colours, or 1 for greys.
  ///   - onDecodingError: Called, on any thread and every time, with each picture that cannot be
  ///     read, which is then black. When it is nil, such a picture stops the program.
  /// - Returns: Images of shape [height, width, channels] in the order of their paths.
  /// - Throws: ``FileError``, if there is no picture, or the first one cannot be read.
  /// - Precondition: `channels` is 1 or 3, and the size is not empty.
  public static func open(
    directory: String, imageSize: Size2D, channels: Int = 3,
    onDecodingError: (@Sendable (FileError) -> Void)? = nil
  ) throws -> LazyImageFolder {
    let format = ImageFormat(imageSize, channels: channels)
    let files = try PictureFiles(in: directory)
    do {
      // A missing library is an error now rather than at the first batch.
      _ = try Tensor(shape: format.shape) { try format.render(files.paths[0], into: $0) }
    } catch {
      let error = FileError(error, at: files.paths[0])
      guard error.kind == .damaged, onDecodingError != nil else { throw error }
    }
    return LazyImageFolder(files, format, onDecodingError: onDecodingError)
  }

  /// The pictures at `paths`, one after the other, and the positions and errors of those that
  /// cannot be decoded.
  private static func decoded(
    _ paths: [String], to format: ImageFormat
  ) -> ([UInt8], [(index: Int, error: FileError)]) {
    let length = format.shape.elementCount
    let failures = Mutex<[Int: FileError]>([:])
    let bytes = [UInt8](unsafeUninitializedCapacity: paths.count * length) { out, written in
      // Unsafe: each block writes the rows of its own range.
      nonisolated(unsafe) let out = out
      Parallel.forRanges(paths.count, grain: 1) { range in
        for row in range {
          let image = UnsafeMutableBufferPointer(rebasing: out[row * length..<(row + 1) * length])
          do {
            try format.render(paths[row], into: image)
          } catch {
            image.initialize(repeating: 0)
            let error = FileError(error, at: paths[row])
            failures.withLock { $0[row] = error }
          }
        }
      }
      written = paths.count * length
    }
    return (bytes, failures.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0, $1) })
  }

  /// One error of them all.
  private static func summary(_ failures: [FileError], of count: Int) -> FileError {
    // What is wrong with the machine goes before what is wrong with a picture.
    let first = failures.first { $0.kind != .damaged } ?? failures[0]
    let isSome = failures.count < count && failures.allSatisfy { $0.kind == .damaged }
    let advice = isSome ? "; `onDecodingError:` leaves such pictures out" : ""
    guard failures.count > 1 else {
      return FileError(first.path, first.reason + advice, first.kind)
    }
    let others = failures.map(\.path).filter { $0 != first.path }.prefix(4)
      .joined(separator: ", ")
    let rest = failures.count > 5 ? ", …" : ""
    return FileError(
      first.path,
      "\(first.reason); of \(count) pictures \(failures.count) cannot be read, also \(others)\(rest)"
        + advice, first.kind)
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
