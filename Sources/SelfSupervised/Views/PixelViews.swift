import Tensor

/// Two views of the same images, and which part of its image each of them shows.
public struct PixelViews: ViewSet {
  /// The views, of shape [count, height, width, channels].
  public let pair: ViewPair
  /// Where the first view of each image comes from.
  public let first: [ViewRegion]
  /// Where the second view of each image comes from.
  public let second: [ViewRegion]

  /// Two views of the same images.
  ///
  /// - Precondition: There is a region for each view.
  public init(images: ViewPair, first: [ViewRegion], second: [ViewRegion]) {
    precondition(
      images.first.rank == 4 && first.count == images.count && second.count == images.count,
      "PixelViews needs views [count, height, width, channels] and a region for each; got shape "
        + "\(images.first.shape), \(first.count) and \(second.count) regions")
    pair = images
    self.first = first
    self.second = second
  }

  /// Two random views of each image: a crop, and then an augmentation that moves no pixel.
  ///
  /// - Parameters:
  ///   - images: A batch of shape [count, height, width, channels].
  ///   - crop: Which part a view shows.
  ///   - augmentations: What becomes of first and second crops.
  ///   - stream: Where the chance comes from.
  /// - Precondition: The images have four axes; the augmentations keep height and width.
  public init(
    of images: Tensor, by crop: TrackedCrop,
    then augmentations: (first: any Augmentation, second: any Augmentation),
    using stream: RandomStream
  ) {
    precondition(
      images.rank == 4,
      "PixelViews needs images [count, height, width, channels]; got shape \(images.shape)")
    func drawn(
      _ number: Int, _ augmentation: any Augmentation
    ) -> (images: Tensor, regions: [ViewRegion]) {
      let drawn = crop.views(of: images, then: augmentation, using: stream.split(number))
      precondition(
        drawn.images.shape[1] == crop.size.height && drawn.images.shape[2] == crop.size.width,
        "PixelViews needs augmentations that move no pixel; one makes \(drawn.images.shape) of "
          + "views of \(crop.size)")
      return drawn
    }
    let (first, second) = (drawn(0, augmentations.first), drawn(1, augmentations.second))
    self.init(
      images: ViewPair(first: first.images, second: second.images), first: first.regions,
      second: second.regions)
  }

  /// Two views that each show the whole of their image.
  public init(_ pair: ViewPair) {
    let size = Size2D(height: pair.first.shape[1], width: pair.first.shape[2])
    let whole = ViewRegion(Region(top: 0, left: 0, size: size), of: size)
    let regions = Array(repeating: whole, count: pair.count)
    self.init(images: pair, first: regions, second: regions)
  }

  /// How many images there are.
  public var count: Int { pair.count }
}
