extension Tensor {
  /// Adds the gradient of this scalar to every trainable parameter it was computed from.
  ///
  /// The graph is freed on the way, so that what it held can be reused before the pass is over. A
  /// second call on the same graph traps.
  ///
  /// - Precondition: The tensor has one element and was recorded.
  public func backward() { backward { _ in } }

  /// The same, which tells of each parameter when this pass has added to its gradient, while the
  /// pass goes on: in an order that the graph alone fixes.
  package func backward(_ ready: (Parameter) -> Void) {
    forEachLeafGradient(of: self) { node, gradient in
      guard let parameter = node.parameter else { return }
      parameter.accumulate(gradient)
      ready(parameter)
    }
  }
}

/// The gradients of the scalar `result` at tracked leaves, without touching any parameter.
///
/// - Parameters:
///   - result: A recorded tensor with one element. Its graph is freed on the way.
///   - leaves: Tensors made by ``Tensor/tracked``, or values of parameters.
/// - Returns: One gradient for each leaf, of its shape; zeros where the result does not depend on
///   it.
public func gradients(of result: Tensor, at leaves: [Tensor]) -> [Tensor] {
  var found: [ObjectIdentifier: Tensor] = [:]
  forEachLeafGradient(of: result) { found[ObjectIdentifier($0)] = $1 }
  return leaves.map { leaf in
    precondition(
      leaf.node?.isLeaf == true,
      "gradients(of:at:) needs leaves made by `tracked`; got a tensor of shape \(leaf.shape) that is "
        + (leaf.isTracked ? "computed from others" : "not tracked"))
    return leaf.node.flatMap { found[ObjectIdentifier($0)] } ?? .zeros(leaf.shape)
  }
}

/// Walks the graph of `result` from its end to the leaves, freeing each operation as it goes, and
/// calls `body` with each leaf when its gradient is complete.
private func forEachLeafGradient(of result: Tensor, _ body: (GraphNode, Tensor) -> Void) {
  precondition(
    result.elementCount == 1, "a gradient needs a result of one element; got shape \(result.shape)")
  guard let root = result.node else {
    preconditionFailure(
      "a gradient needs a result that was recorded; this one was computed from no trainable "
        + "parameter, or inside withoutGradients")
  }
  var nodes = nodesInOrder(below: root)
  let leaves = leavesByFirstUse(nodes)
  var gradients = [ObjectIdentifier(root): Tensor.ones(result.shape)]
  withoutGradients {
    while let node = nodes.popLast() {
      if let gradient = gradients.removeValue(forKey: ObjectIdentifier(node)) {
        // The result itself may be a leaf.
        if node.isLeaf {
          body(node, gradient)
        } else {
          propagate(gradient, through: node, into: &gradients)
        }
      }
      for leaf in leaves[ObjectIdentifier(node)] ?? [] {
        if let gradient = gradients.removeValue(forKey: ObjectIdentifier(leaf)) {
          body(leaf, gradient)
        }
      }
      if !node.isLeaf { node.release() }
    }
  }
}

/// The leaves whose first use each operation is: a reverse pass comes to it last.
private func leavesByFirstUse(_ nodes: [GraphNode]) -> [ObjectIdentifier: [GraphNode]] {
  var seen: Set<ObjectIdentifier> = []
  var leaves: [ObjectIdentifier: [GraphNode]] = [:]
  for node in nodes {
    for case let input? in node.inputs
    where input.isLeaf && seen.insert(ObjectIdentifier(input)).inserted {
      leaves[ObjectIdentifier(node), default: []].append(input)
    }
  }
  return leaves
}

private func propagate(
  _ gradient: Tensor, through node: GraphNode, into gradients: inout [ObjectIdentifier: Tensor]
) {
  guard let pullback = node.pullback else {
    preconditionFailure(
      "the graph of \(node.operation) was freed by an earlier backward(); compute the result anew")
  }
  let first = node.inputs.first.flatMap { $0 }.map { ObjectIdentifier($0) }
  // Taken out, so that nothing else holds it.
  var sum = first.flatMap { gradients.removeValue(forKey: $0) }
  let contributions = pullback(gradient, node.inputs.map { $0 != nil }, &sum)
  if let first, let sum = sum.take() { gradients[first] = sum }
  for (input, contribution) in zip(node.inputs, contributions) {
    guard let input, let contribution else { continue }
    let key = ObjectIdentifier(input)
    // Taken out first, so that the sum can go where the earlier part is.
    if var sum = gradients.removeValue(forKey: key) {
      sum.accumulate(contribution)
      gradients[key] = sum
    } else {
      gradients[key] = contribution
    }
  }
}
