import Tensor

/// Numbers that a module keeps and saves but does not train, such as a running mean.
public final class Buffer {
  /// How the numbers are stored in files.
  public enum ElementType: Sendable {
    /// 32-bit floating point.
    case float32
    /// 64-bit integers, for counts.
    case int64
  }

  /// The name in a state dictionary, where it is not the name of the property.
  public let name: String?
  /// How the numbers are stored in files.
  public let elementType: ElementType
  private var current: Tensor

  /// A buffer that starts as `value`.
  public init(_ value: Tensor, name: String? = nil, elementType: ElementType = .float32) {
    current = value.detached
    self.name = name
    self.elementType = elementType
  }

  /// The numbers, never tracked.
  ///
  /// - Precondition: A new value has the shape of the old one.
  public var value: Tensor {
    get { current }
    set {
      precondition(
        newValue.shape == current.shape,
        "a buffer of shape \(current.shape) needs a value of that shape; got \(newValue.shape)")
      current = newValue.detached
    }
  }

  /// Overwrites the entries from `start` on along the first axis, in place when nobody else holds
  /// the numbers, else in a copy.
  package func replace(from start: Int, with entries: Tensor) {
    let shape = current.shape
    let isFitting =
      entries.rank == shape.rank
      && entries.shape.dimensions.dropFirst() == shape.dimensions.dropFirst()
    precondition(
      isFitting && start >= 0 && start + entries.shape[0] <= shape[0],
      "a buffer of shape \(shape) cannot take entries of shape \(entries.shape) from \(start) on")
    let offset = start * (shape.elementCount / max(1, shape[0]))
    current.mutate { numbers in
      entries.withUnsafeBufferPointer { source in
        if let base = source.baseAddress {
          (numbers + offset).update(from: base, count: source.count)
        }
      }
    }
  }
}
