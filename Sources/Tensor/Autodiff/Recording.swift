extension Tensor {
  /// This result, with the record of how its gradient reaches `inputs`.
  ///
  /// Nothing is recorded when no input is tracked or inside ``withoutGradients(_:)``. The pullback
  /// gives one gradient per input, of the input's shape, and may give `nil` where none is wanted.
  /// Where operations are traced instead, `traced` says what this one computes.
  package func recorded(
    from inputs: [Tensor], operation: String = #function,
    as traced: @autoclosure () -> TracedOperation? = nil, _ pullback: @escaping Pullback
  ) -> Tensor {
    recorded(from: inputs, operation: operation, as: traced(), .current) { gradient, wanted, _ in
      pullback(gradient, wanted)
    }
  }

  /// The same for an operation that has read the options, and may accumulate its gradient in place.
  func recorded(
    from inputs: [Tensor], operation: String = #function,
    as traced: @autoclosure () -> TracedOperation? = nil, _ options: ComputeOptions,
    accumulating pullback: @escaping AccumulatingPullback
  ) -> Tensor {
    if let trace = options.trace {
      return trace.note(self, from: inputs, traced(), name: operation)
    }
    guard options.isRecording, inputs.contains(where: { $0.node != nil }) else { return self }
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
