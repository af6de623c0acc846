import Images
import Tensor

/// The part of an image that a view shows, perhaps with left and right exchanged.
public struct ViewRegion: Hashable, Sendable {
  /// The part, in whole pixels of the image.
  public let region: Region
  /// The size of the image.
  public let imageSize: Size2D
  /// Whether left and right are exchanged.
  public let isFlipped: Bool

  /// The part `region` of an image.
  ///
  /// - Precondition: It lies inside the image.
  public init(_ region: Region, of imageSize: Size2D, isFlipped: Bool = false) {
    precondition(
      region.fits(in: imageSize), "ViewRegion needs a region inside \(imageSize); got \(region)")
    self.region = region
    self.imageSize = imageSize
    self.isFlipped = isFlipped
  }

  /// The part as shares of the image's height and width, from 0 at its edge to 1 at the other.
  public var normalized: (top: Float, left: Float, bottom: Float, right: Float) {
    let (height, width) = (Float(imageSize.height), Float(imageSize.width))
    return (
      Float(region.top) / height, Float(region.left) / width,
      Float(region.top + region.size.height) / height,
      Float(region.left + region.size.width) / width
    )
  }
}
