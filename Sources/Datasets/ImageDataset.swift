import Tensor

/// Images of one size, with labels if there are any, made into tensors when they are asked for.
///
/// A conforming type may hold its images in memory, read them from files or compute them; what it
/// owes is that an index always gives the same image.
public protocol ImageDataset: Sendable {
  /// The number of images.
  var count: Int { get }

  /// The shape of one image: [height, width, channels].
  var imageShape: TensorShape { get }

  /// The class of each image, in `0..<classNames.count`; empty when the images are unlabeled.
  var labels: [Int] { get }

  /// What the classes are called; empty when the images are unlabeled.
  var classNames: [String] { get }

  /// The images at `indices`, in that order, with values 0...1.
  ///
  /// - Returns: Shape [count of indices, height, width, channels].
  /// - Precondition: Every index is in `0..<count`.
  func images(at indices: [Int]) -> Tensor
}

extension ImageDataset {
  /// The images of a range, with values 0...1.
  ///
  /// - Returns: Shape [count of range, height, width, channels].
  public func images(in range: Range<Int>) -> Tensor { images(at: Array(range)) }

  /// What `function` makes of all images, without gradients and in parts, so that memory stays
  /// flat.
  ///
  /// ```swift
  /// let embeddings = photos.features { learner.represent($0).embedding }
  /// ```
  ///
  /// - Parameters:
  ///   - batchSize: How many images `function` gets at a time. If it is nil, 256, or fewer if they
  ///     are large.
  ///   - function: Makes [count, …] of images [count, height, width, channels].
  /// - Returns: A row for each image, in their order.
  /// - Precondition: There is an image, and the batch size is at least 1.
  public func features(batchSize: Int? = nil, by function: (Tensor) -> Tensor) -> Tensor {
    // A network's activations take many times the memory of its images.
    let batchSize = batchSize ?? max(1, min(256, (1 << 24) / max(1, imageShape.elementCount)))
    precondition(
      count > 0 && batchSize > 0,
      "features needs at least one image and a batch size of 1 or more; got \(count) and \(batchSize)"
    )
    return withoutGradients {
      let first = function(images(in: 0..<min(batchSize, count)))
      let row = Array(first.shape.dimensions.dropFirst())
      // Parts that are joined at the end would be there twice.
      return Tensor(shape: TensorShape([count] + row)) { out in
        for start in stride(from: 0, to: count, by: batchSize) {
          let range = start..<min(start + batchSize, count)
          let part = start == 0 ? first : function(images(in: range))
          precondition(
            part.shape == TensorShape([range.count] + row),
            "features needs a function that gives a row of shape \(row) for each image; got shape "
              + "\(part.shape) for \(range.count) images")
          let place = start * (part.elementCount / range.count)
          part.withUnsafeBufferPointer {
            _ = UnsafeMutableBufferPointer(rebasing: out[place..<place + $0.count])
              .update(fromContentsOf: $0)
          }
        }
      }
    }
  }

  /// All images and labels as a set in memory, for data that are slow to read or compute.
  public func inMemory() -> LabeledImages {
    LabeledImages(images: images(in: 0..<count), labels: labels, classNames: classNames)
  }

  /// The shape of a batch of `count` images.
  func batchShape(_ count: Int) -> TensorShape { TensorShape([count] + imageShape.dimensions) }

  func checkIndices(_ indices: [Int]) {
    for index in indices {
      precondition(
        index >= 0 && index < count, "images(at:) needs indices in 0..<\(count); got \(index)")
    }
  }

  /// A batch of images that are computed, on all threads.
  ///
  /// - Parameters:
  ///   - indices: Which images.
  ///   - grain: How many a thread makes at least, one after the other.
  ///   - render: Writes the image of an index, row after row.
  /// - Returns: Shape [count of indices, height, width, channels].
  func rendered(
    _ indices: [Int], grain: Int = 4, by render: (Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) -> Tensor {
    checkIndices(indices)
    let elements = imageShape.elementCount
    return Tensor(shape: batchShape(indices.count)) { out in
      // Unsafe: each block writes the rows of its own range, and `render` reads only.
      nonisolated(unsafe) let (out, render) = (out, render)
      Parallel.forRanges(indices.count, grain: grain) { range in
        for row in range {
          let image = out[(row * elements)..<((row + 1) * elements)]
          render(indices[row], UnsafeMutableBufferPointer(rebasing: image))
        }
      }
    }
  }
}

/// A data set whose images may turn out to be unreadable when they are asked for.
protocol FallibleImageDataset: ImageDataset {
  /// The images at `indices`, where `images(at:)` would stop the program.
  func loadedImages(at indices: [Int]) throws -> Tensor
}

/// The images at `indices` of a data set of either kind.
func loadedImages(of dataset: any ImageDataset, at indices: [Int]) throws -> Tensor {
  guard let fallible = dataset as? any FallibleImageDataset else {
    return dataset.images(at: indices)
  }
  return try fallible.loadedImages(at: indices)
}
