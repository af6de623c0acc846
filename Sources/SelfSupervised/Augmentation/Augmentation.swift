import Images
import Tensor

/// A way to make a view of an image.
///
/// All of an augmentation's chance comes from the stream it is handed: the same image and the same
/// stream give the same view, bit for bit.
///
/// A conforming type may take `image` as `consuming`, as those of this package do, and then change
/// it in place without a copy; a type that leaves the word out conforms just as well.
public protocol Augmentation: Sendable {
  /// The view of `image` that the numbers in `stream` lead to.
  func callAsFunction(_ image: consuming PixelImage, using stream: inout RandomStream) -> PixelImage

  /// The size of every view of an image of size `image`, or nil if views differ or change the
  /// number of channels.
  ///
  /// With a size, the batch has its memory before the first view is drawn, so all views of a batch
  /// are drawn at once. By default it is nil, and the first view is drawn before the others.
  func viewSize(of image: Size2D) -> Size2D?
}

extension Augmentation {
  /// Nothing is known about the size of the views.
  public func viewSize(of image: Size2D) -> Size2D? { nil }
}

/// An augmentation whose views have the size of their images.
protocol SizePreserving: Augmentation {}

extension SizePreserving {
  /// The size of the image.
  public func viewSize(of image: Size2D) -> Size2D? { image }
}

/// An augmentation made of a closure.
///
/// ```swift
/// let inverted = LambdaAugmentation { image, _ in PixelImage(1 - image.pixels) }
/// ```
public struct LambdaAugmentation: Augmentation {
  private let body: @Sendable (PixelImage, inout RandomStream) -> PixelImage

  /// An augmentation that calls `body`, which draws its chance from the stream and nowhere else.
  public init(_ body: @escaping @Sendable (PixelImage, inout RandomStream) -> PixelImage) {
    self.body = body
  }

  /// The view of `image` that the closure makes.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage { body(image, &stream) }
}

/// An augmentation that changes nothing.
public struct IdentityAugmentation: SizePreserving {
  /// An augmentation that changes nothing.
  public init() {}

  /// `image` itself.
  public func callAsFunction(
    _ image: consuming PixelImage, using stream: inout RandomStream
  ) -> PixelImage { image }
}
