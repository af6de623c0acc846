extension Tensor {
  /// The gradients that the operation which made this tensor gives its inputs; for benchmarks.
  package func inputGradients(_ gradient: Tensor) -> [Tensor?] {
    guard let node, let pullback = node.pullback else { return [] }
    var sum: Tensor?
    return withoutGradients { pullback(gradient, node.inputs.map { $0 != nil }, &sum) }
  }

  /// The parameters this tensor was computed from, each with the operation that used it first.
  package var parameterUses: [(parameter: Parameter, operation: String)] {
    guard let node else { return [] }
    var uses: [(Parameter, String)] = []
    var seen: Set<ObjectIdentifier> = []
    for node in nodesInOrder(below: node) {
      for case let input? in node.inputs {
        guard let parameter = input.parameter else { continue }
        if seen.insert(ObjectIdentifier(parameter)).inserted {
          uses.append((parameter, node.operation))
        }
      }
    }
    return uses
  }
}

/// Every node that `root` depends on and itself, in the order they were recorded.
func nodesInOrder(below root: GraphNode) -> [GraphNode] {
  var seen: Set<ObjectIdentifier> = [ObjectIdentifier(root)]
  var nodes = [root]
  var position = 0
  while position < nodes.count {
    for case let input? in nodes[position].inputs
    where seen.insert(ObjectIdentifier(input)).inserted {
      nodes.append(input)
    }
    position += 1
  }
  return nodes.sorted { $0.order < $1.order }
}
