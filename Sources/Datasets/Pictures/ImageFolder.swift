import Files
import Images
import Tensor

/// Pictures in a directory: JPEG, PNG, WebP, TIFF and NumPy files, at any depth.
///
/// ```swift
/// let photos = try ImageFolder.load(directory: "photos", imageSize: 96)
/// let loader = DataLoader(photos, batchSize: 64, shuffled: true, dropsLast: true)
/// ```
///
/// Subdirectories are classes, as in torchvision's `ImageFolder`; ``FolderContents`` says when.
/// libjpeg-turbo, libpng, libwebp and libtiff decode the pictures; each is opened when the first such
/// file comes. NumPy files (.npy) have one array each, of shape (height, width) or (height, width,
/// channels). ``PictureSurvey`` says how many channels and bits the files of a folder have.
public enum ImageFolder {
  /// Finds the pictures of a directory, without opening one.
  ///
  /// - Parameters:
  ///   - directory: Where the pictures are.
  ///   - withClasses: Whether subdirectories may be classes; without, no picture is left out for
  ///     being in none. ``PictureLabels`` reads classes from a file.
  /// - Returns: The pictures, and what was left out.
  /// - Throws: ``FileError`` if there is no such directory, it cannot be listed or has no pictures.
  public static func contents(
    of directory: String, withClasses: Bool = true
  ) throws -> FolderContents {
    try FolderContents(of: directory, withClasses: withClasses)
  }

  /// Reads all pictures of a directory.
  ///
  /// A picture is decoded once and resized, antialiased, until it just covers `imageSize`; then its
  /// middle is cut out: torchvision's `Resize` and `CenterCrop`. Colour profiles are ignored, as
  /// there. Files whose names begin with a dot, or end with anything but .jpg, .jpeg, .jpe, .jfif,
  /// .png, .webp, .tif, .tiff and .npy, are left out.
  ///
  /// - Parameters:
  ///   - directory: Where the pictures are.
  ///   - imageSize: The height and width of each image. Learners cut their views out of it, so it
  ///     may be somewhat larger than the views.
  ///   - channels: 3 for colours, 1 for greys: 0.299 red + 0.587 green + 0.114 blue, or the channels
  ///     that all files have.
  ///   - options: Whether pictures are turned, what shows through transparent ones, and how many bits
  ///     are kept of values.
  ///   - onDecodingError: Called with each picture or directory that cannot be read, which is then
  ///     left out. When it is nil, these are an error. Missing libraries always are.
  /// - Returns: Images of shape [height, width, channels] in the order of their paths, kept in
  ///   8 or 16 bits a value.
  /// - Throws: ``FileError``, if there is no picture that can be read, or one that cannot.
  /// - Precondition: There is a channel, and the size is not empty.
  public static func load(
    directory: String, imageSize: any Size2DConvertible, channels: Int = 3,
    options: PictureOptions = PictureOptions(), onDecodingError: ((FileError) -> Void)? = nil
  ) throws -> LabeledImages {
    try load(
      contents(of: directory), imageSize: imageSize, channels: channels, options: options,
      onDecodingError: onDecodingError)
  }

  /// Reads the pictures that were found in a directory.
  ///
  /// - Parameters:
  ///   - contents: The pictures.
  ///   - imageSize: The height and width of each image.
  ///   - channels: 3 for colours, 1 for greys, or the channels that all files have.
  ///   - options: Whether pictures are turned, what shows through transparent ones, and how many bits
  ///     are kept of values.
  ///   - cache: A directory to keep the images in, which read them much faster the next time, unless
  ///     a picture has changed; nil keeps nothing. That it cannot be written is told to
  ///     `onDecodingError`, as an error of kind `unwritable`.
  ///   - onDecodingError: Called with each picture or directory that cannot be read, which is then
  ///     left out. When it is nil, these are an error. Missing libraries always are.
  ///   - progress: Called now and then, on any thread, with the number of pictures that are decoded.
  /// - Returns: Images of shape [height, width, channels] in the order of their paths, kept in
  ///   8 or 16 bits a value.
  /// - Throws: ``FileError``, if there is no picture that can be read, or one that cannot.
  /// - Precondition: There is a channel, and the size is not empty.
  public static func load(
    _ contents: FolderContents, imageSize: any Size2DConvertible, channels: Int = 3,
    options: PictureOptions = PictureOptions(), cache: String? = nil,
    onDecodingError: ((FileError) -> Void)? = nil,
    progress: (@Sendable (_ decoded: Int) -> Void)? = nil
  ) throws -> LabeledImages {
    let format = ImageFormat(imageSize.size2D, channels: channels, options: options)
    switch options.depth {
    case .eight:
      return try load(contents, format, cache, onDecodingError, progress) {
        LabeledImages(bytes: $0, imageShape: format.shape, labels: $1, classNames: $2)
      }
    case .sixteen:
      return try load(contents, format, cache, onDecodingError, progress) {
        LabeledImages(words: $0, imageShape: format.shape, labels: $1, classNames: $2)
      }
    }
  }

  private static func load<Sample: PixelSample>(
    _ contents: FolderContents, _ format: ImageFormat, _ cache: String?,
    _ onDecodingError: ((FileError) -> Void)?, _ progress: (@Sendable (_ decoded: Int) -> Void)?,
    images: (_ samples: [Sample], _ labels: [Int], _ classNames: [String]) -> LabeledImages
  ) throws -> LabeledImages {
    let cache = cache.map { DecodedCache(in: $0, of: contents, format) }
    let decoded: DecodedPictures<Sample>
    if let kept = cache?.read(Sample.self) {
      decoded = kept
    } else {
      decoded = try DecodedPictures(contents, to: format, progress: progress)
      // What is not the pictures' own fault may be mended before the next time.
      if decoded.failures.allSatisfy({ $0.error.kind == .damaged }) {
        cache?.write(decoded, report: onDecodingError)
      }
    }
    let failures = contents.problems + decoded.failures.map(\.error)
    if let error = decoded.failures.first(where: { $0.error.kind == .missingLibrary })?.error {
      throw error
    }
    guard decoded.failures.count < contents.count, failures.isEmpty || onDecodingError != nil else {
      throw summary(failures, of: contents.count + contents.problems.count)
    }
    failures.forEach { onDecodingError?($0) }
    var images = images(
      decoded.samples,
      contents.labels.isEmpty ? [] : decoded.kept.map { contents.labels[$0] },
      contents.classNames)
    let paths = contents.paths
    images.paths = decoded.kept.map { paths[$0] }
    images.transparentCount = decoded.transparentCount
    return images
  }

  /// Finds all pictures of a directory, which are decoded when a batch asks for them: for more
  /// pictures than memory holds.
  ///
  /// The images are those of `load`.
  ///
  /// - Parameters:
  ///   - directory: Where the pictures are.
  ///   - imageSize: The height and width of each image.
  ///   - channels: 3 for colours, 1 for greys, or the channels that all files have.
  ///   - options: Whether pictures are turned, what shows through transparent ones, and how many bits
  ///     are kept of values.
  ///   - onDecodingError: Called, on any thread and every time, with each picture that cannot be
  ///     read. The next one that can be, of its class if there are classes, stands in its place.
  ///     When it is nil, such a picture stops the program.
  /// - Returns: Images of shape [height, width, channels] in the order of their paths.
  /// - Throws: ``FileError``, if there is no picture, or the first one cannot be read.
  /// - Precondition: There is a channel, and the size is not empty.
  public static func open(
    directory: String, imageSize: any Size2DConvertible, channels: Int = 3,
    options: PictureOptions = PictureOptions(),
    onDecodingError: (@Sendable (FileError) -> Void)? = nil
  ) throws -> LazyImageFolder {
    try open(
      contents(of: directory), imageSize: imageSize, channels: channels, options: options,
      onDecodingError: onDecodingError)
  }

  /// The pictures that were found in a directory, decoded when a batch asks for them.
  ///
  /// - Parameters:
  ///   - contents: The pictures.
  ///   - imageSize: The height and width of each image.
  ///   - channels: 3 for colours, 1 for greys, or the channels that all files have.
  ///   - options: Whether pictures are turned, what shows through transparent ones, and how many bits
  ///     are kept of values.
  ///   - onDecodingError: As for `open(directory:…)`.
  /// - Returns: Images of shape [height, width, channels] in the order of their paths.
  /// - Throws: ``FileError``, if the first picture cannot be read.
  /// - Precondition: There is a channel, and the size is not empty.
  public static func open(
    _ contents: FolderContents, imageSize: any Size2DConvertible, channels: Int = 3,
    options: PictureOptions = PictureOptions(),
    onDecodingError: (@Sendable (FileError) -> Void)? = nil
  ) throws -> LazyImageFolder {
    let format = ImageFormat(imageSize.size2D, channels: channels, options: options)
    guard contents.problems.isEmpty || onDecodingError != nil else {
      throw summary(contents.problems, of: contents.count + contents.problems.count)
    }
    contents.problems.forEach { onDecodingError?($0) }
    do {
      // A missing library is an error now rather than at the first batch.
      _ = try Tensor(shape: format.shape) { try format.render(contents.path(0), into: $0) }
    } catch {
      let error = FileError(error, at: "\(contents.path(0))")
      guard error.kind != .missingLibrary, onDecodingError != nil else { throw error }
    }
    return LazyImageFolder(contents, format, onDecodingError: onDecodingError)
  }

  /// One error of them all.
  private static func summary(_ failures: [FileError], of count: Int) -> FileError {
    let first = failures[0]
    let advice = failures.count < count ? "; `onDecodingError:` leaves such pictures out" : ""
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
