import Tensor

public struct Image {}
public protocol Augmentation: Sendable {
  func callAsFunction(_ image: consuming Image, using stream: inout RandomStream) -> Image
}
public struct Compose: Augmentation {
  public func callAsFunction(_ image: consuming Image, using stream: inout RandomStream) -> Image {
    image
  }
  static func byolFirst(imageSize: Size2D) -> Compose { Compose() }
  static func byolSecond(imageSize: Size2D) -> Compose { Compose() }
}
public func views(of images: Tensor, by: any Augmentation, using: RandomStream) -> Tensor { images }
