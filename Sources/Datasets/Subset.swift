import Tensor

/// Some images of another data set, in an order of their own; shares the images themselves.
public struct Subset: ImageDataset {
  /// Where each image is in the data set that this is a subset of.
  public let indices: [Int]
  /// The label of each image, or none if the base has none.
  public let labels: [Int]
  /// What the classes are called: all those of the base, whether or not an image of each is here.
  public let classNames: [String]
  let base: any ImageDataset

  /// The images of `base` at `indices`, in that order; an index may come more than once.
  ///
  /// - Precondition: Every index is one of `base`.
  public init(_ base: any ImageDataset, indices: [Int]) {
    for index in indices {
      precondition(
        index >= 0 && index < base.count,
        "Subset needs indices in 0..<\(base.count); got \(index)")
    }
    let baseLabels = base.labels
    self.base = base
    self.indices = indices
    labels = baseLabels.isEmpty ? [] : indices.map { baseLabels[$0] }
    classNames = base.classNames
  }

  /// The images of `base` whose classes are among `classNames`, with those names' numbers.
  package init(_ base: any ImageDataset, ofClasses classNames: [String]) {
    let numbers = base.classNames.map { classNames.firstIndex(of: $0) }
    indices = base.labels.indices.filter { numbers[base.labels[$0]] != nil }
    labels = base.labels.compactMap { numbers[$0] }
    (self.base, self.classNames) = (base, classNames)
  }

  /// The images of `base` at `indices`, with labels of their own.
  ///
  /// - Parameters:
  ///   - base: Where the images are, with other labels or none.
  ///   - indices: Which images, in that order.
  ///   - labels: One for each of them, counted from 0.
  ///   - classNames: What the labels stand for.
  /// - Precondition: Every index is one of `base`, the counts agree and every label has a name.
  public init(_ base: any ImageDataset, indices: [Int], labels: [Int], classNames: [String]) {
    precondition(
      indices.allSatisfy { (0..<base.count).contains($0) } && labels.count == indices.count
        && labels.allSatisfy(classNames.indices.contains),
      "Subset needs indices in 0..<\(base.count) and as many labels in 0..<\(classNames.count); got "
        + "\(indices.count) from \(indices.min() ?? 0) to \(indices.max() ?? 0) and \(labels.count) "
        + "from \(labels.min() ?? 0) to \(labels.max() ?? 0)")
    (self.base, self.indices, self.labels, self.classNames) = (base, indices, labels, classNames)
  }

  /// The number of images.
  public var count: Int { indices.count }

  /// The shape of one image: [height, width, channels].
  public var imageShape: TensorShape { base.imageShape }

  /// The images at `positions` of this subset.
  ///
  /// - Returns: Shape [count of positions, height, width, channels].
  /// - Precondition: Every position is in `0..<count`.
  public func images(at positions: [Int]) -> Tensor {
    checkIndices(positions)
    return base.images(at: positions.map { indices[$0] })
  }
}

extension Subset: FallibleImageDataset {
  func loadedImages(at positions: [Int]) throws -> Tensor {
    checkIndices(positions)
    return try Datasets.loadedImages(of: base, at: positions.map { indices[$0] })
  }
}

// MARK: - Ways to take a part

extension ImageDataset {
  /// The first `count` images.
  ///
  /// - Precondition: There are that many.
  public func first(_ count: Int) -> Subset { split(at: count).0 }

  /// `count` different images in random order; all of them shuffled, if `count` is that of the set.
  ///
  /// - Precondition: There are that many.
  public func sampled(_ count: Int, using stream: inout RandomStream) -> Subset {
    split(at: count, using: &stream).0
  }

  /// The first `count` images, and the rest.
  ///
  /// - Precondition: There are that many.
  public func split(at count: Int) -> (Subset, Subset) { split(Array(0..<self.count), at: count) }

  /// `count` different images in random order, and the rest.
  ///
  /// - Precondition: There are that many.
  public func split(at count: Int, using stream: inout RandomStream) -> (Subset, Subset) {
    split(stream.permutation(self.count), at: count)
  }

  private func split(_ order: [Int], at count: Int) -> (Subset, Subset) {
    precondition(
      count >= 0 && count <= order.count,
      "a part of \(order.count) images needs a count in 0...\(order.count); got \(count)")
    return (
      Subset(self, indices: Array(order[..<count])), Subset(self, indices: Array(order[count...]))
    )
  }
}
