import Foundation

/// CIFAR-10: colour photographs of ten kinds of things, 32 by 32, 50,000 to train and 10,000 to test
/// (Krizhevsky, 2009).
///
/// The files are those of its "binary version", for C programs; the package downloads nothing.
public enum CIFAR10 {
  /// Which of the two parts.
  public enum Split: CaseIterable, Sendable {
    /// The images to learn from: `data_batch_1.bin` to `data_batch_5.bin`.
    case train
    /// The images to be judged on: `test_batch.bin`.
    case test

    var files: [String] {
      self == .test ? ["test_batch.bin"] : (1...5).map { "data_batch_\($0).bin" }
    }
  }

  /// What is in the pictures, in the order of the labels.
  public static let classNames = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]

  private static let layout = PlanarImages(
    height: 32, width: 32, channels: 3, isColumnMajor: false)

  /// Reads one of the two parts.
  ///
  /// - Parameters:
  ///   - split: Which part.
  ///   - directory: Where the six .bin files are.
  /// - Returns: Images of shape [32, 32, 3], kept as bytes.
  /// - Throws: ``DatasetError``.
  public static func load(_ split: Split, directory: String) throws -> LabelledImages {
    try checkDirectory(directory)
    var (labels, bytes) = ([Int](), [UInt8]())
    for name in split.files {
      try read(directory + "/" + name, labels: &labels, bytes: &bytes)
    }
    layout.interleave(&bytes)
    return LabelledImages(
      bytes: bytes, imageShape: [32, 32, 3], labels: labels, classNames: classNames)
  }

  /// A file of records: a byte for the label, and the image.
  private static func read(_ path: String, labels: inout [Int], bytes: inout [UInt8]) throws {
    let file = try fileBytes(path)
    let size = 1 + layout.byteCount
    guard !file.isEmpty, file.count.isMultiple(of: size) else {
      throw DatasetError(path, "needs records of \(size) bytes; the file has \(file.count) bytes")
    }
    for start in stride(from: 0, to: file.count, by: size) {
      guard file[start] < classNames.count else {
        throw DatasetError(
          path,
          "needs labels in 0..<\(classNames.count); got \(file[start]) for image \(start / size)")
      }
      labels.append(Int(file[start]))
      bytes += file[start + 1..<start + size]
    }
  }
}
