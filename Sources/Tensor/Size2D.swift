/// A height and a width, in pixels: `32` is square, `[64, 96]` is 64 high and 96 wide.
public struct Size2D: Hashable, Codable, Sendable {
  /// The number of rows.
  public var height: Int
  /// The number of columns.
  public var width: Int

  /// A size of the given height and width.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// A square.
  public init(_ side: Int) { self.init(height: side, width: side) }
}

extension Size2D: ExpressibleByIntegerLiteral {
  /// A square.
  public init(integerLiteral side: Int) { self.init(side) }
}

extension Size2D: ExpressibleByArrayLiteral {
  /// A height and a width, in that order.
  public init(arrayLiteral sizes: Int...) {
    precondition(sizes.count == 2, "Size2D needs [height, width]; got \(sizes)")
    self.init(height: sizes[0], width: sizes[1])
  }
}

extension Size2D: CustomStringConvertible {
  /// Height by width.
  public var description: String { "\(height)x\(width)" }
}

/// What stands for a size in arguments: a number for a square, `[height, width]`, or a ``Size2D``.
///
/// `stride: 2`, `stride: step` of a variable and `stride: [1, step]` all say the same kind of thing.
public protocol Size2DConvertible: Sendable {
  /// The size.
  var size2D: Size2D { get }
}

extension Size2D: Size2DConvertible {
  /// This size.
  public var size2D: Size2D { self }
}

extension Int: Size2DConvertible {
  /// A square of this side.
  public var size2D: Size2D { Size2D(self) }
}

extension Array: Size2DConvertible where Element == Int {
  /// A height and a width, in that order.
  ///
  /// - Precondition: There are two numbers.
  public var size2D: Size2D {
    precondition(count == 2, "a size needs [height, width]; got \(self)")
    return Size2D(height: self[0], width: self[1])
  }
}

extension Size2D {
  /// The same shape, small enough that neither side is longer than `longest`.
  package func fitted(within longest: Int) -> Size2D {
    let side = max(height, width)
    guard side > longest else { return self }
    return Size2D(
      height: max(1, height * longest / side), width: max(1, width * longest / side))
  }
}
