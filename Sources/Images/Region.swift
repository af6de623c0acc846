import Tensor

/// A rectangle of whole pixels in an image.
public struct Region: Hashable, Sendable {
  /// The first row.
  public let top: Int
  /// The first column.
  public let left: Int
  /// How many rows and columns there are.
  public let size: Size2D

  /// The rectangle of `size` whose first pixel is in row `top` and column `left`.
  public init(top: Int, left: Int, size: Size2D) {
    self.top = top
    self.left = left
    self.size = size
  }

  /// All of an image of the given size.
  public static func whole(_ size: Size2D) -> Region { Region(top: 0, left: 0, size: size) }

  /// The rectangle of `size` in the middle of an image of size `outer`.
  ///
  /// Where half a pixel is left over, the even offset is taken, as torchvision does.
  package static func center(_ size: Size2D, of outer: Size2D) -> Region {
    func offset(_ spare: Int) -> Int { Int((Double(spare) / 2).rounded(.toNearestOrEven)) }
    return Region(
      top: offset(outer.height - size.height), left: offset(outer.width - size.width), size: size)
  }

  /// Whether this is a rectangle with pixels in it, all of them inside an image of size `outer`.
  package func fits(in outer: Size2D) -> Bool {
    top >= 0 && left >= 0 && size.height > 0 && size.width > 0
      && top + size.height <= outer.height && left + size.width <= outer.width
  }
}
