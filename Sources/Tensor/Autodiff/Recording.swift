/// Whether operations on tracked tensors are recorded in this task.
enum Recording {
  @TaskLocal static var isEnabled = true
}

/// Runs `body` without recording, so that its results keep nothing alive and have no gradient.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
  try Recording.$isEnabled.withValue(false, operation: body)
}

extension Tensor {
  /// This result, with the record of how its gradient reaches `inputs`.
  ///
  /// Nothing is recorded when no input is tracked or inside ``withoutGradients(_:)``. The pullback
  /// gives one gradient per input, of the input's shape, and may give `nil` where none is wanted.
  package func recorded(
    from inputs: [Tensor], operation: String = #function, _ pullback: @escaping Pullback
  ) -> Tensor {
    recorded(from: inputs, operation: operation) { gradient, wanted, _ in
      pullback(gradient, wanted)
    }
  }

  /// The same for an operation that can add to the gradient of its first input.
  func recorded(
    from inputs: [Tensor], operation: String = #function, adding pullback: @escaping AddingPullback
  ) -> Tensor {
    guard inputs.contains(where: { $0.node != nil }), Recording.isEnabled else { return self }
    var result = self
    result.node = GraphNode(
      operation: operation, inputs: inputs.map(\.node), pullback: pullback)
    return result
  }

  /// The same numbers as a leaf of a new graph, for ``gradients(of:at:)``.
  public var tracked: Tensor {
    var leaf = detached
    leaf.node = GraphNode(leaf: nil)
    return leaf
  }
}
