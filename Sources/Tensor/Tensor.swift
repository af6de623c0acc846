/// An immutable n-dimensional array of floats, row-major and contiguous.
///
/// A tensor is a value: operations make new ones, and none can change the numbers of another.
/// Copies, reshapes and slices along the first axis share storage. A tensor that was computed from
/// a ``Parameter`` while recording remembers how, so that ``Tensor/backward()`` can reach it.
public struct Tensor: Sendable {
  /// The size along each axis.
  public let shape: TensorShape
  var storage: Storage
  let offset: Int
  package var node: GraphNode?

  init(storage: Storage, offset: Int = 0, shape: TensorShape, node: GraphNode? = nil) {
    self.storage = storage
    self.offset = offset
    self.shape = shape
    self.node = node
  }

  /// A tensor whose elements `fill` writes, all of them.
  init(_ shape: TensorShape, fill: (UnsafeMutablePointer<Float>) throws -> Void) rethrows {
    self.init(storage: Storage(elementCount: shape.elementCount), shape: shape)
    try fill(storage.pointer)
  }

  /// The same for elements of a format.
  init(_ shape: TensorShape, _ format: NumberFormat, fill: (MutableNumbers) throws -> Void) rethrows
  {
    self.init(storage: Storage(elementCount: shape.elementCount, format), shape: shape)
    try fill(storage.numbers)
  }

  /// The number of axes; 0 for a scalar.
  public var rank: Int { shape.rank }

  /// The number of elements.
  public var elementCount: Int { shape.elementCount }

  /// Whether a gradient can flow back through this tensor.
  public var isTracked: Bool { node != nil }

  /// The same numbers without the record of how they were computed.
  public var detached: Tensor {
    // A trace follows what a gradient does not.
    let node = node.flatMap { $0.isTraced ? $0 : nil }
    return Tensor(storage: storage, offset: offset, shape: shape, node: node)
  }

  /// The first element, as a float; valid while this tensor lives.
  package var pointer: UnsafePointer<Float> { UnsafePointer(storage.pointer + offset) }

  /// The elements as they are in memory; valid while this tensor lives.
  var numbers: Numbers { storage.numbers.read + offset }

  /// How the elements are in memory.
  var format: NumberFormat { storage.format }

  /// What makes these elements, where they have not been written.
  var deferredNormalization: DeferredNormalization? {
    guard let source = storage.normalization, !storage.isWritten, source.input.shape == shape else {
      return nil
    }
    return source
  }

  /// The bytes of the elements.
  var byteCount: Int { elementCount * format.size }
}

// MARK: - Reading

extension Tensor {
  /// All elements in row-major order.
  public var scalars: [Float] { withUnsafeBufferPointer { Array($0) } }

  /// The value of a tensor with one element.
  ///
  /// - Precondition: There is exactly one element.
  public var item: Float {
    precondition(elementCount == 1, "item needs a tensor with one element; got shape \(shape)")
    return withUnsafeBufferPointer { $0[0] }
  }

  /// Calls `body` with the elements in row-major order, without copying them.
  public func withUnsafeBufferPointer<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    defer { extendLifetime(storage) }
    return try body(UnsafeBufferPointer(start: pointer, count: elementCount))
  }
}
