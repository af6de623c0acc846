import Files

/// Fashion-MNIST: grey images of clothing, 28 by 28, 60,000 to train and 10,000 to test
/// (Xiao et al., 2017).
public enum FashionMNIST {
  /// Where Debian's package dataset-fashion-mnist puts the files.
  public static let debianDirectory = "/usr/share/datasets/fashion-mnist"

  /// The ten kinds of clothing, in the order of the labels.
  public static let classNames = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
  ]

  /// Reads the images to train on, or those to test with.
  ///
  /// - Parameters:
  ///   - split: Which part: train or test.
  ///   - directory: Where the four IDX files are, plain or gzipped.
  /// - Returns: Images of shape [28, 28, 1], kept as bytes.
  /// - Throws: `FileError`.
  /// - Precondition: `split` is not `unlabeled`.
  public static func load(
    _ split: Split, directory: String = debianDirectory
  ) throws -> LabeledImages {
    try checkDirectory(
      directory,
      advice: "; apt-get install dataset-fashion-mnist, or pass the directory that has the files")
    return try IDXDataset.load(split, directory: directory, classNames: classNames)
  }
}
