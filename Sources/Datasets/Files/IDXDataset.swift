import Files
import Foundation
import Tensor

/// Data sets in the four files of MNIST: Fashion-MNIST, KMNIST and others have the same names.
public enum IDXDataset {
  /// Reads `<train or t10k>-images-idx3-ubyte` and `…-labels-idx1-ubyte`, plain or with ".gz".
  ///
  /// Colour images are in `…-images-idx4-ubyte`: count, height, width and channels.
  ///
  /// - Parameters:
  ///   - split: Which part: train, or test, whose files are called "t10k".
  ///   - directory: Where the files are.
  ///   - classNames: What the labels stand for; "0", "1", … up to the largest label by default.
  /// - Returns: Images of shape [height, width, 1] or [height, width, channels], kept as bytes.
  /// - Throws: `FileError`.
  /// - Precondition: `split` is not `unlabeled`.
  public static func load(
    _ split: Split, directory: String, classNames: [String]? = nil
  ) throws -> LabeledImages {
    try checkDirectory(directory)
    let prefix = split.isTest("An IDX data set") ? "t10k" : "train"
    let colorPath = existing("\(prefix)-images-idx4-ubyte", in: directory)
    let imagePath = try colorPath ?? find("\(prefix)-images-idx3-ubyte", in: directory)
    let labelPath = try find("\(prefix)-labels-idx1-ubyte", in: directory)
    let images = try IDXArray(path: imagePath, rank: colorPath == nil ? 3 : 4)
    let labels = try IDXArray(path: labelPath, rank: 1).bytes.map { Int($0) }
    let imageShape = TensorShape(images.dimensions[1...] + (colorPath == nil ? [1] : []))
    guard imageShape.elementCount > 0 else {
      throw FileError(imagePath, "needs images of at least one pixel; got size \(imageShape)")
    }
    guard labels.count == images.dimensions[0] else {
      throw FileError(
        labelPath,
        "needs a label for each of the \(images.dimensions[0]) images of \(imagePath); "
          + "got \(labels.count) labels")
    }
    if let classNames, let position = labels.firstIndex(where: { $0 >= classNames.count }) {
      throw FileError(
        labelPath,
        "needs labels in 0..<\(classNames.count); got \(labels[position]) for image \(position)")
    }
    return LabeledImages(
      bytes: images.bytes, imageShape: imageShape, labels: labels, classNames: classNames)
  }

  /// The file called `name` in `directory`, or failing that the one with ".gz" after it.
  private static func existing(_ name: String, in directory: String) -> String? {
    let plain = URL(fileURLWithPath: directory).appendingPathComponent(name).path
    return [plain, plain + ".gz"].first(where: FileManager.default.fileExists(atPath:))
  }

  private static func find(_ name: String, in directory: String) throws -> String {
    guard let path = existing(name, in: directory) else {
      throw FileError(directory, "needs a file \(name) or \(name).gz; there is neither")
    }
    return path
  }
}
