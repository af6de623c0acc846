import Images
import Tensor

/// The whole image, resized.
public struct Resize: Augmentation {
  private enum Goal { case size(Size2D), shorterSide(Int) }

  private let goal: Goal
  /// How the pixels of the result come from those of the image.
  public let interpolation: Interpolation
  /// Whether shrinking averages fine detail.
  public let antialias: Bool

  /// The image resized to `size`, whatever its proportions.
  public init(
    _ size: any Size2DConvertible, interpolation: Interpolation = .bilinear, antialias: Bool = true
  ) {
    goal = .size(size.size2D)
    (self.interpolation, self.antialias) = (interpolation, antialias)
  }

  /// The image resized so that its shorter side is `length`, with its proportions kept.
  public init(
    shorterSide length: Int, interpolation: Interpolation = .bilinear, antialias: Bool = true
  ) {
    goal = .shorterSide(length)
    (self.interpolation, self.antialias) = (interpolation, antialias)
  }

  /// The size of the result.
  public func viewSize(of image: Size2D) -> Size2D? { size(of: image) }

  /// The size that an image of the given size gets.
  public func size(of image: Size2D) -> Size2D {
    switch goal {
    case .size(let size): return size
    case .shorterSide(let length):
      let shorter = min(image.height, image.width)
      return Size2D(
        height: length * image.height / shorter, width: length * image.width / shorter)
    }
  }

  /// `image`, resized.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    let size = size(of: image.size)
    return image.resized(to: size, interpolation, antialias: antialias)
  }
}

/// The middle of the image.
public struct CenterCrop: Augmentation {
  /// The size of the result.
  public let size: Size2D

  /// The middle of the image, of the given size.
  public init(_ size: any Size2DConvertible) { self.size = size.size2D }

  /// The middle of `image`.
  ///
  /// - Precondition: The image is at least as large as the crop.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage {
    precondition(
      image.height >= size.height && image.width >= size.width,
      "CenterCrop needs an image of at least \(size); got \(image.size)")
    let region = Region.center(size, of: image.size)
    return image.cropped(to: region)
  }

  /// The size of the result.
  public func viewSize(of image: Size2D) -> Size2D? { size }
}
