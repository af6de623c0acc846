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
  func callAsFunction(_ image: consuming Image, using stream: inout RandomStream) -> Image
}

/// An augmentation made of a closure.
///
/// ```swift
/// let inverted = AnyAugmentation { image, _ in Image(1 - image.pixels) }
/// ```
public struct AnyAugmentation: Augmentation {
  private let body: @Sendable (Image, inout RandomStream) -> Image

  /// An augmentation that calls `body`, which draws its chance from the stream and nowhere else.
  public init(_ body: @escaping @Sendable (Image, inout RandomStream) -> Image) {
    self.body = body
  }

  /// The view of `image` that the closure makes.
  public func callAsFunction(
    _ image: consuming Image, using stream: inout RandomStream
  ) -> Image { body(image, &stream) }
}

/// An augmentation that changes nothing.
public struct Unchanged: Augmentation {
  /// An augmentation that changes nothing.
  public init() {}

  /// `image` itself.
  public func callAsFunction(
    _ image: consuming Image, using stream: inout RandomStream
  ) -> Image { image }
}
