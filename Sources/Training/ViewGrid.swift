import Datasets
import Images
import SelfSupervised
import Tensor

extension Learner {
  /// The first images of a data set in a row, and below each the two views that the next loss would
  /// draw of it.
  ///
  /// - Parameters:
  ///   - dataset: Where the images come from.
  ///   - count: How many of them.
  ///   - cell: The size that images and views are brought to; as they are if it is nil.
  ///   - magnification: How often each pixel is repeated to the right and down.
  ///   - channels: The one or three channels that are shown; the first three if it is nil, or the
  ///     first where there are fewer.
  /// - Returns: The grid.
  /// - Precondition: There is an image, and it has these channels.
  package func viewGrid(
    of dataset: any ImageDataset, count: Int = 8, cell: Size2D? = nil, magnification: Int = 2,
    channels: [Int]? = nil
  ) -> ImageGrid {
    let images = dataset.images(in: 0..<min(count, dataset.count))
    let pair = viewPair(of: images)
    let columns = (0..<images.shape[0]).map { index in
      [images, pair.first, pair.second].map { (images: Tensor) -> PixelImage in
        let image = PixelImage(images[index]).shown(channels)
        return cell.map { image.resized(to: $0) } ?? image
      }
    }
    return ImageGrid(columns: columns, magnification: magnification)
  }
}
