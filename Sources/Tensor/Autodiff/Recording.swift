extension Tensor {
  /// This result, with the record of how its gradient reaches `inputs`.
  ///
  /// Nothing is recorded when no input is tracked or inside ``withoutGradients(_:)``. The pullback
  /// gives one gradient per input, of the input's shape, and may give `nil` where none is wanted.
  package func recorded(
    from inputs: [Tensor], operation: String = #function, _ pullback: @escaping Pullback
  ) -> Tensor {
    recorded(from: inputs, operation: operation, .current) { gradient, wanted, _ in
      pullback(gradient, wanted)
    }
  }

  /// The same for an operation that has read the options, and may accumulate its gradient in place.
  func recorded(
    from inputs: [Tensor], operation: String = #function, _ options: ComputeOptions,
    accumulating pullback: @escaping AccumulatingPullback
  ) -> Tensor {
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
