import Tensor

/// Images of nothing but noise, as byol-pytorch's `MockDataset`, to try a training without data.
public struct MockDataset: ImageDataset {
  /// The number of images.
  public let count: Int
  /// The shape of one image: [height, width, 3].
  public let imageShape: TensorShape

  /// Images of uniform noise.
  ///
  /// - Precondition: Both are at least 1.
  public init(imageSize: Int = 256, length: Int = 10_000) {
    precondition(
      imageSize > 0 && length > 0,
      "MockDataset needs an image size and a length of 1 or more; got \(imageSize) and \(length)")
    count = length
    imageShape = [imageSize, imageSize, 3]
  }

  /// There are none.
  public var labels: [Int] { [] }
  /// There are none.
  public var classNames: [String] { [] }

  /// The images at `indices`, with values 0...1: an index always gives the same one.
  public func images(at indices: [Int]) -> Tensor {
    rendered(indices) { index, out in
      var stream = RandomStream(seed: UInt64(index))
      for place in out.indices { out[place] = stream.uniform(in: 0..<1) }
    }
  }
}
