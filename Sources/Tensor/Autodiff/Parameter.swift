/// A tensor that training changes.
///
/// Layers hold parameters; operations on ``value`` are recorded; ``Tensor/backward()`` adds to
/// ``gradient``; an optimizer writes a new value, in place when nobody else holds the old one.
public final class Parameter {
  /// The name in a state dictionary, where it is not the name of the property.
  public let name: String?
  /// How the numbers are laid out in a state dictionary.
  public let layout: StateLayout
  /// The gradient that reverse passes have added up.
  ///
  /// - Precondition: It has the value's shape.
  public var gradient: Tensor? {
    didSet { if let gradient { checkGradient(gradient) } }
  }
  /// Whether operations record this parameter; a frozen one costs nothing in the reverse pass.
  public var isTrainable = true

  /// How often the value has changed, by an optimizer or by assignment.
  package private(set) var version = 0
  /// How often another value was assigned, as when weights are loaded.
  package private(set) var assignments = 0

  private(set) var current: Tensor
  private var leaf: GraphNode?

  /// A parameter that starts as `value`.
  public init(_ value: Tensor, name: String? = nil, layout: StateLayout = .same) {
    self.current = value.detached
    self.name = name
    self.layout = layout
    leaf = GraphNode(leaf: self)
  }

  /// The numbers. Reading gives a tracked tensor if the parameter is trainable and recording is on.
  ///
  /// - Precondition: A new value has the shape of the old one.
  public var value: Tensor {
    get {
      var value = current
      if isTrainable, ComputeOptions.current.isRecording { value.node = leaf }
      return value
    }
    set {
      precondition(
        newValue.shape == current.shape,
        "a parameter of shape \(current.shape) needs a value of that shape; got \(newValue.shape)")
      current = newValue.detached
      version += 1
      assignments += 1
    }
  }

  /// Exchanges the value for `other` of the same shape, which counts as no change: for passes with
  /// weights that are not the network's own.
  package func exchange(_ other: inout Tensor) {
    precondition(
      other.shape == current.shape,
      "a parameter of shape \(current.shape) needs a value of that shape; got \(other.shape)")
    swap(&current, &other)
  }

  /// The size along each axis.
  public var shape: TensorShape { current.shape }

  /// Adds to the gradient.
  ///
  /// - Precondition: What is added has the value's shape.
  public func accumulate(_ gradient: Tensor) {
    checkGradient(gradient)
    if self.gradient == nil {
      self.gradient = gradient.detached
    } else {
      self.gradient?.accumulate(gradient)
    }
  }

  private func checkGradient(_ gradient: Tensor) {
    precondition(
      gradient.shape == shape,
      "a parameter of shape \(shape) needs a gradient of that shape; got \(gradient.shape)")
  }

  /// Lets `body` write the numbers: in place when nobody else holds them, else in a copy.
  package func update(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    current.mutate(body)
    version += 1
  }
}

/// How a leaf's numbers are laid out in a state dictionary, against how they are in memory.
public enum StateLayout: Sendable {
  /// As they are.
  case same
  /// Kernels: [outputs, height, width, inputs] in memory, [outputs, inputs, height, width] on disk.
  case channelsFirst
}
