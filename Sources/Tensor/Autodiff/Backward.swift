extension Tensor {
  /// Adds the gradient of this scalar to every trainable parameter it was computed from.
  ///
  /// The graph is freed on the way, so that what it held can be reused before the pass is over. A
  /// second call on the same graph traps.
  ///
  /// - Precondition: The tensor has one element and was recorded.
  public func backward() {
    for (node, gradient) in leafGradients(of: self) {
      node.parameter?.accumulate(gradient)
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
  let found = Dictionary(
    leafGradients(of: result).map { (ObjectIdentifier($0.0), $0.1) }, uniquingKeysWith: { $1 })
  return leaves.map { leaf in
    precondition(
      leaf.node?.isLeaf == true,
      "gradients(of:at:) needs leaves made by `tracked`; got a tensor of shape \(leaf.shape) that is "
        + (leaf.isTracked ? "computed from others" : "not tracked"))
    return leaf.node.flatMap { found[ObjectIdentifier($0)] } ?? .zeros(leaf.shape)
  }
}

/// Walks the graph of `result` from its end to the leaves, freeing each operation as it goes.
private func leafGradients(of result: Tensor) -> [(GraphNode, Tensor)] {
  precondition(
    result.elementCount == 1, "a gradient needs a result of one element; got shape \(result.shape)")
  guard let root = result.node else {
    preconditionFailure(
      "a gradient needs a result that was recorded; this one was computed from no trainable "
        + "parameter, or inside withoutGradients")
  }
  var nodes = nodesInOrder(below: root)
  var gradients = [ObjectIdentifier(root): Tensor.ones(result.shape)]
  var leaves: [(GraphNode, Tensor)] = []
  withoutGradients {
    while let node = nodes.popLast() {
      guard let gradient = gradients.removeValue(forKey: ObjectIdentifier(node)) else {
        node.release()
        continue
      }
      guard !node.isLeaf else {
        leaves.append((node, gradient))
        continue
      }
      propagate(gradient, through: node, into: &gradients)
      node.release()
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
  if let first, let sum { gradients[first] = sum }
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
