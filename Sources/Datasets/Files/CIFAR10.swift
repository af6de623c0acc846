import Files
import Foundation

/// CIFAR-10: colour photographs of ten kinds of things, 32 by 32, 50,000 to train and 10,000 to
/// test (Krizhevsky, 2009).
///
/// The files are those of its "binary version", for C programs; the package downloads nothing.
public enum CIFAR10 {
  /// What is in the pictures, in the order of the labels.
  public static let classNames = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]

  private static let layout = PlanarImages(
    height: 32, width: 32, channels: 3, isColumnMajor: false)

  /// The records of each file.
  private static let mostRecords = 10_000

  /// Reads `data_batch_1.bin` to `data_batch_5.bin`, or `test_batch.bin`.
  ///
  /// - Parameters:
  ///   - split: Which part: train or test.
  ///   - directory: Where the six .bin files are.
  /// - Returns: Images of shape [32, 32, 3], kept as bytes.
  /// - Throws: `FileError`.
  /// - Precondition: `split` is not `unlabeled`.
  public static func load(_ split: Split, directory: String) throws -> LabeledImages {
    try checkDirectory(directory)
    var (labels, bytes) = ([Int](), [UInt8]())
    for name in split.isTest("CIFAR-10")
      ? ["test_batch.bin"] : (1...5).map({ "data_batch_\($0).bin" })
    {
      let path = directory + "/" + name
      try checkVersion(path)
      try read(path, labels: &labels, bytes: &bytes)
    }
    layout.interleave(&bytes)
    return LabeledImages(
      bytes: bytes, imageShape: [32, 32, 3], labels: labels, classNames: classNames)
  }

  /// Throws if the directory has the version for Python instead.
  private static func checkVersion(_ path: String) throws {
    let other = String(path.dropLast(".bin".count))
    guard !FileManager.default.fileExists(atPath: path),
      FileManager.default.fileExists(atPath: other)
    else { return }
    throw FileError(
      path, "needs CIFAR-10's binary version; \(other) is of the version for Python")
  }

  /// A file of records: a byte for the label, and the image.
  private static func read(_ path: String, labels: inout [Int], bytes: inout [UInt8]) throws {
    let size = 1 + layout.byteCount
    let file = try unpackedContents(path, limit: mostRecords * size)
    guard file.count <= mostRecords * size else {
      throw FileError(
        path, "needs at most \(mostRecords) records of \(size) bytes; the file has more")
    }
    guard !file.isEmpty, file.count.isMultiple(of: size) else {
      throw FileError(path, "needs records of \(size) bytes; the file has \(file.count) bytes")
    }
    for start in stride(from: 0, to: file.count, by: size) {
      guard file[start] < classNames.count else {
        throw FileError(
          path,
          "needs labels in 0..<\(classNames.count); got \(file[start]) for image \(start / size)")
      }
      labels.append(Int(file[start]))
      bytes += file[start + 1..<start + size]
    }
  }
}
