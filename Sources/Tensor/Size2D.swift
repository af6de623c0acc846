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
