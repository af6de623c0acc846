import Files

/// STL-10: colour photographs of ten kinds of things, 96 by 96: 100,000 without labels, 5,000 to
/// train and 8,000 to test with labels (Coates et al., 2011).
///
/// The files are those of its binary version, for Matlab and others; the package downloads nothing.
public enum STL10 {
  /// What is in the pictures, in the order of the labels.
  public static let classNames = [
    "airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck",
  ]

  private static let layout = PlanarImages(height: 96, width: 96, channels: 3, isColumnMajor: true)

  /// Reads `train_X.bin` and `train_y.bin`, `test_X.bin` and `test_y.bin`, or `unlabeled_X.bin`, of
  /// 2.8 GB.
  ///
  /// - Parameters:
  ///   - split: Which part.
  ///   - directory: Where the .bin files are.
  /// - Returns: Images of shape [96, 96, 3], kept as bytes. Labels count from 0, those of the files
  ///   from 1.
  /// - Throws: `FileError`.
  public static func load(_ split: Split, directory: String) throws -> LabeledImages {
    try checkDirectory(directory)
    let path = "\(directory)/\(split.rawValue)_X.bin"
    let most = mostImages(split)
    var bytes = try [UInt8](unpackedContents(path, limit: most * layout.byteCount))
    guard bytes.count <= most * layout.byteCount else {
      throw FileError(path, "needs at most \(most) images; the file has more")
    }
    guard !bytes.isEmpty, bytes.count.isMultiple(of: layout.byteCount) else {
      throw FileError(
        path, "needs images of \(layout.byteCount) bytes; the file has \(bytes.count) bytes")
    }
    let labels = try split == .unlabeled ? [] : labels(split, in: directory)
    guard split == .unlabeled || labels.count == bytes.count / layout.byteCount else {
      throw FileError(
        "\(directory)/\(split.rawValue)_y.bin",
        "needs a label for each of the \(bytes.count / layout.byteCount) images of \(path); got "
          + "\(labels.count) labels")
    }
    layout.interleave(&bytes)
    return LabeledImages(
      bytes: bytes, imageShape: [96, 96, 3], labels: labels,
      classNames: split == .unlabeled ? [] : classNames)
  }

  private static func mostImages(_ split: Split) -> Int {
    switch split {
    case .unlabeled: 100_000
    case .train: 5_000
    case .test: 8_000
    }
  }

  private static func labels(_ split: Split, in directory: String) throws -> [Int] {
    let path = "\(directory)/\(split.rawValue)_y.bin"
    let labels = try unpackedContents(path, limit: mostImages(split)).map { Int($0) - 1 }
    if let position = labels.firstIndex(where: { !classNames.indices.contains($0) }) {
      throw FileError(
        path,
        "needs labels in 1...\(classNames.count); got \(labels[position] + 1) for image \(position)"
      )
    }
    return labels
  }
}
