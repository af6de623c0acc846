import Images
import Tensor

/// A view of each image, drawn for each on its own.
///
/// Image i draws from `stream.split(firstIndex + i)`, so the views do not depend on how many
/// threads there are, nor on where a batch is cut, as long as `firstIndex` says where the part
/// begins. The stream itself does not move: two calls with one stream give one set of views, and
/// `stream.split()` makes a fresh one.
///
/// Inputs other than images are images of one row: signals [count, length, channels] are seen by
/// the augmentation as [1, length, channels], vectors [count, features] as [1, 1, features].
///
/// - Parameters:
///   - images: A batch of shape [count, height, width, channels], with at least one image.
///   - augmentation: What makes a view.
///   - firstIndex: The position of the first image in the batch that `images` is a part of.
///   - stream: Where the chance comes from.
/// - Returns: The views, of shape [count, view height, view width, view channels], or of as many
///   axes as `images` has.
/// - Precondition: All views have one shape.
public func views(
  of images: Tensor, by augmentation: some Augmentation, firstIndex: Int = 0,
  using stream: RandomStream
) -> Tensor {
  precondition(
    (2...4).contains(images.rank) && images.shape[0] > 0,
    "views needs images [count, height, width, channels], signals [count, length, channels] or "
      + "vectors [count, features]; got shape \(images.shape)")
  let added = 4 - images.rank
  guard added == 0 else {
    let rows = images.reshaped(images.shape.inserting(ones: added))
    let drawn = views(of: rows, by: augmentation, firstIndex: firstIndex, using: stream)
    precondition(
      drawn.shape[1...added].allSatisfy { $0 == 1 },
      "views of \(images.shape) needs an augmentation that keeps the one row of each input; it makes "
        + "\(drawn.shape) of \(rows.shape). One image alone needs the shape [1, height, width, "
        + "channels]")
    return drawn.reshaped(drawn.shape.removing(axes: 1...added))
  }
  let size = Size2D(height: images.shape[1], width: images.shape[2])
  let firstIndex = firstIndex + BatchPart.firstIndex
  return drawn(of: images, size: augmentation.viewSize(of: size)) { image, index in
    var stream = stream.split(firstIndex + index)
    return augmentation(image, using: &stream)
  }
}

/// The views that `draw` makes of images [count, height, width, channels], on all threads.
///
/// - Parameters:
///   - images: A batch of shape [count, height, width, channels].
///   - size: The size of every view, or nil if it is that of the first one.
///   - draw: Makes the view of the image at an index.
/// - Returns: A batch of views.
func drawn(
  of images: Tensor, size: Size2D?,
  by draw: (_ image: consuming PixelImage, _ index: Int) -> PixelImage
) -> Tensor {
  let images = images.detached
  let first = size == nil ? draw(PixelImage(images[0]), 0).pixels : nil
  let shape =
    first?.shape ?? [size?.height ?? 0, size?.width ?? 0, images.shape[3]]
  return Tensor(shape: TensorShape([images.shape[0]] + shape.dimensions)) { out in
    // Unsafe: each block writes the view of its own index, and `draw` only reads.
    nonisolated(unsafe) let (out, draw) = (out, draw)
    Parallel.forEach(images.shape[0]) { index in
      let known = index == 0 ? first : nil
      let view = known ?? draw(PixelImage(images[index]), index).pixels
      precondition(
        view.shape == shape,
        "views needs views of one shape; got \(shape) and, for image \(index), \(view.shape): end "
          + "the augmentation with a crop or a resize to one size")
      view.withUnsafeBufferPointer { view in
        _ = out[index * view.count..<(index + 1) * view.count].update(fromContentsOf: view)
      }
    }
  }
}

extension TensorShape {
  /// With axes of one entry behind the count.
  fileprivate func inserting(ones count: Int) -> TensorShape {
    TensorShape([self[0]] + Array(repeating: 1, count: count) + dimensions.dropFirst())
  }

  /// Without a few axes.
  fileprivate func removing(axes: ClosedRange<Int>) -> TensorShape {
    TensorShape(dimensions.indices.filter { !axes.contains($0) }.map { self[$0] })
  }
}
