import Tensor

/// Several data sets as one, one behind the other: torch's `ConcatDataset`.
///
/// ```swift
/// let both = ConcatenatedDataset([
///   try ImageFolder.load(directory: "2023", imageSize: 96),
///   try ImageFolder.load(directory: "2024", imageSize: 96),
/// ])
/// ```
///
/// The images have labels if all sets have, with the same names in the same order; else none.
public struct ConcatenatedDataset: ImageDataset {
  /// The sets, in their order.
  public let datasets: [any ImageDataset]
  /// The shape of one image: [height, width, channels].
  public let imageShape: TensorShape
  /// The class of each image; empty when the images are unlabeled.
  public let labels: [Int]
  /// What the classes are called; empty when the images are unlabeled.
  public let classNames: [String]
  /// The index of the first image of each set, and the number of all.
  private let starts: [Int]

  /// The images of `datasets`, one set behind the other.
  ///
  /// - Precondition: There is a set, and the images of all have one shape.
  public init(_ datasets: [any ImageDataset]) {
    let shapes = datasets.map(\.imageShape)
    precondition(
      !shapes.isEmpty && shapes.allSatisfy { $0 == shapes[0] },
      "ConcatenatedDataset needs sets of images of one shape; got \(shapes)")
    self.datasets = datasets
    imageShape = shapes[0]
    starts = datasets.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    let names = datasets[0].classNames
    let agree = datasets.allSatisfy { $0.classNames == names && $0.labels.count == $0.count }
    labels = agree ? datasets.flatMap(\.labels) : []
    classNames = labels.isEmpty ? [] : names
  }

  /// The number of images.
  public var count: Int { starts[starts.count - 1] }

  /// The images at `indices`, in that order, with values 0...1.
  ///
  /// - Returns: Shape [count of indices, height, width, channels].
  /// - Precondition: Every index is in `0..<count`.
  public func images(at indices: [Int]) -> Tensor {
    gathered(indices) { $0.images(at: $1) }
  }

  /// The set that an image is in, and its index there.
  func place(of index: Int) -> (dataset: Int, index: Int) {
    // The last set that begins at it or before; one that is empty begins where the next one does.
    var (low, high) = (0, datasets.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= index { low = middle } else { high = middle }
    }
    return (low, index - starts[low])
  }

  /// Images of each set at once, put in the order of `indices`.
  private func gathered(
    _ indices: [Int], images: (any ImageDataset, [Int]) throws -> Tensor
  ) rethrows -> Tensor {
    checkIndices(indices)
    let places = indices.map(place)
    let parts = try datasets.indices.map { dataset in
      let rows = places.indices.filter { places[$0].dataset == dataset }
      return (
        rows: rows,
        images: rows.isEmpty ? nil : try images(datasets[dataset], rows.map { places[$0].index })
      )
    }
    let length = imageShape.elementCount
    return Tensor(shape: batchShape(indices.count)) { out in
      for (rows, images) in parts {
        images?.withUnsafeBufferPointer { images in
          for (from, row) in rows.enumerated() {
            _ = out[row * length..<(row + 1) * length]
              .update(fromContentsOf: images[from * length..<(from + 1) * length])
          }
        }
      }
    }
  }
}

extension ConcatenatedDataset: FallibleImageDataset {
  func loadedImages(at indices: [Int]) throws -> Tensor {
    try gathered(indices) { try Datasets.loadedImages(of: $0, at: $1) }
  }
}
