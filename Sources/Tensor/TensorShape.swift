/// The sizes of a tensor along each axis, outermost first.
public struct TensorShape: Hashable, Sendable {
  /// The size along each axis.
  public let dimensions: [Int]

  /// A shape with the given sizes.
  ///
  /// - Precondition: No size is negative.
  public init(_ dimensions: [Int]) {
    precondition(
      dimensions.allSatisfy { $0 >= 0 },
      "TensorShape needs sizes of zero or more; got \(dimensions)")
    self.dimensions = dimensions
  }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The number of elements a tensor of this shape holds; 1 for a scalar.
  public var elementCount: Int { dimensions.reduce(1, *) }
}

extension TensorShape: ExpressibleByArrayLiteral {
  /// A shape with the sizes of a literal such as `[8, 32, 32, 3]`.
  public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension TensorShape: RandomAccessCollection {
  /// The first axis.
  public var startIndex: Int { 0 }

  /// One past the last axis.
  public var endIndex: Int { dimensions.count }

  /// The size along one axis.
  public subscript(axis: Int) -> Int { dimensions[axis] }
}

extension TensorShape: CustomStringConvertible {
  /// The sizes in brackets.
  public var description: String { dimensions.description }
}

extension TensorShape {
  /// The four sizes of a batch of images: count, height, width, channels.
  package var dimensions4: (Int, Int, Int, Int) {
    precondition(
      rank == 4, "a batch of images needs shape [count, height, width, channels]; got \(self)")
    return (dimensions[0], dimensions[1], dimensions[2], dimensions[3])
  }

  /// `axis` counted from the front: -1 is the last axis.
  func normalized(axis: Int) -> Int {
    let fromFront = axis < 0 ? axis + rank : axis
    precondition(
      fromFront >= 0 && fromFront < rank, "axis \(axis) is out of range for shape \(self)")
    return fromFront
  }

  /// The axes counted from the front, sorted; all of them when none are named.
  func normalized(axes: [Int]) -> [Int] {
    axes.isEmpty ? Array(0..<rank) : Set(axes.map(normalized(axis:))).sorted()
  }

  /// This shape after a reduction over `axes`, which stay as size 1 or go.
  func reduced(over axes: [Int], keepingAxes: Bool) -> TensorShape {
    var sizes = dimensions
    for axis in axes { sizes[axis] = 1 }
    if !keepingAxes {
      for axis in axes.reversed() { sizes.remove(at: axis) }
    }
    return TensorShape(sizes)
  }

  /// Row-major strides, in elements.
  var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in (0..<Swift.max(0, rank - 1)).reversed() {
      strides[axis] = strides[axis + 1] * dimensions[axis + 1]
    }
    return strides
  }

  /// The product of the sizes of `range`.
  func elementCount(_ range: Range<Int>) -> Int { dimensions[range].reduce(1, *) }
}
