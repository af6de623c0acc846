import Images
import Tensor

/// Images in memory, as floats, as bytes or as whole numbers of 16 bits, with their labels.
///
/// Bytes take a quarter of the memory, 16 bits a half, and become floats when a batch is asked for.
public struct LabeledImages: ImageDataset {
  /// The number of images.
  public let count: Int
  /// The shape of one image: [height, width, channels].
  public let imageShape: TensorShape
  /// The class of each image; empty when the images are unlabeled.
  public let labels: [Int]
  /// What the classes are called; empty when the images are unlabeled.
  public let classNames: [String]
  /// The file of each image of `ImageFolder.load`; empty for other sets.
  public internal(set) var paths: [String] = []
  /// How many images show the background through transparent pixels.
  package internal(set) var transparentCount = 0
  private let pixels: Pixels

  private enum Pixels {
    case floats(Tensor)
    case bytes([UInt8])
    case words([UInt16])
  }

  /// A set of the images in a tensor.
  ///
  /// - Parameters:
  ///   - images: Shape [count, height, width, channels], values 0...1.
  ///   - labels: One for each image, counted from 0; empty if there are none.
  ///   - classNames: What the labels stand for; "0", "1", … up to the largest label by default.
  /// - Precondition: The counts agree and every label has a name.
  public init(images: Tensor, labels: [Int] = [], classNames: [String]? = nil) {
    precondition(
      images.rank == 4,
      "LabeledImages needs images of shape [count, height, width, channels]; got \(images.shape)")
    self.init(
      .floats(images.detached), count: images.shape[0],
      imageShape: TensorShape(Array(images.shape.dropFirst())), labels: labels,
      classNames: classNames)
  }

  /// A set of images whose pixels are bytes; 0 is black and 255 becomes 1.
  ///
  /// - Parameters:
  ///   - bytes: All images one after the other, each in the order of `imageShape`.
  ///   - imageShape: The shape of one image: [height, width, channels].
  ///   - labels: One for each image, counted from 0; empty if there are none.
  ///   - classNames: What the labels stand for; "0", "1", … up to the largest label by default.
  /// - Precondition: The bytes are a whole number of images, the counts agree and every label has a
  ///   name.
  public init(
    bytes: [UInt8], imageShape: TensorShape, labels: [Int] = [], classNames: [String]? = nil
  ) {
    self.init(
      .bytes(bytes), numberCount: bytes.count, imageShape: imageShape, labels: labels,
      classNames: classNames)
  }

  /// A set of images whose values are whole numbers of 16 bits; 65,535 becomes 1.
  ///
  /// - Parameters:
  ///   - words: All images one after the other, each in the order of `imageShape`.
  ///   - imageShape: The shape of one image: [height, width, channels].
  ///   - labels: One for each image, counted from 0; empty if there are none.
  ///   - classNames: What the labels stand for; "0", "1", … up to the largest label by default.
  /// - Precondition: The numbers are a whole number of images, the counts agree and every label has
  ///   a name.
  public init(
    words: [UInt16], imageShape: TensorShape, labels: [Int] = [], classNames: [String]? = nil
  ) {
    self.init(
      .words(words), numberCount: words.count, imageShape: imageShape, labels: labels,
      classNames: classNames)
  }

  private init(
    _ pixels: Pixels, numberCount: Int, imageShape: TensorShape, labels: [Int],
    classNames: [String]?
  ) {
    precondition(
      imageShape.rank == 3 && imageShape.elementCount > 0,
      "LabeledImages needs an image shape [height, width, channels]; got \(imageShape)")
    precondition(
      numberCount.isMultiple(of: imageShape.elementCount),
      "LabeledImages needs whole images of \(imageShape.elementCount) numbers; got \(numberCount)")
    self.init(
      pixels, count: numberCount / imageShape.elementCount, imageShape: imageShape,
      labels: labels, classNames: classNames)
  }

  private init(
    _ pixels: Pixels, count: Int, imageShape: TensorShape, labels: [Int], classNames: [String]?
  ) {
    let classNames = classNames ?? (0..<((labels.max() ?? -1) + 1)).map(String.init)
    precondition(
      labels.isEmpty || labels.count == count,
      "LabeledImages needs a label for each of \(count) images; got \(labels.count) labels")
    precondition(
      labels.allSatisfy(classNames.indices.contains),
      "LabeledImages needs labels in 0..<\(classNames.count); got \(labels.min() ?? 0) to "
        + "\(labels.max() ?? 0)")
    self.pixels = pixels
    self.count = count
    self.imageShape = imageShape
    self.labels = labels
    self.classNames = classNames
  }

  /// The images at `indices`, in that order, with values 0...1.
  ///
  /// - Returns: Shape [count of indices, height, width, channels].
  /// - Precondition: Every index is in `0..<count`.
  public func images(at indices: [Int]) -> Tensor {
    let size = imageShape.elementCount
    return rendered(indices, grain: max(1, (1 << 15) / size)) { index, out in
      switch pixels {
      case .floats(let tensor):
        tensor.withUnsafeBufferPointer {
          _ = out.update(fromContentsOf: $0[index * size..<(index + 1) * size])
        }
      case .bytes(let bytes): Self.write(bytes, from: index * size, into: out)
      case .words(let words): Self.write(words, from: index * size, into: out)
      }
    }
  }

  private static func write<Sample: PixelSample>(
    _ samples: [Sample], from start: Int, into out: UnsafeMutableBufferPointer<Float>
  ) {
    samples.withUnsafeBufferPointer { samples in
      let image = samples[start..<start + out.count]
      Sample.writeValues(of: UnsafeBufferPointer(rebasing: image), into: out)
    }
  }
}
