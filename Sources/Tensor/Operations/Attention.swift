/// Self-attention of several heads: softmax(Q · Kᵀ / √d) · V for each (Vaswani et al., 2017).
///
/// It is torch's `scaled_dot_product_attention` between a linear layer that makes queries, keys and
/// values and one that mixes the heads. The attention weights are not kept for the gradient, which
/// computes them again.
///
/// - Parameters:
///   - projections: Queries, keys and values of each token, one behind the other, each with the
///     features of the heads side by side: a tensor of shape [count, length, 3 · width].
///   - headCount: The number of heads, each of width / headCount features.
/// - Returns: A tensor of shape [count, length, width].
/// - Precondition: The last axis divides by three times the heads.
public func selfAttention(_ projections: Tensor, headCount: Int) -> Tensor {
  precondition(
    projections.rank == 3 && headCount > 0 && projections.shape[2].isMultiple(of: 3 * headCount)
      && projections.shape[1] > 0 && projections.shape[2] > 0,
    "selfAttention needs projections [count, length, 3 · width] with a width divisible by the heads; "
      + "got \(projections.shape) and \(headCount) heads")
  let options = ComputeOptions.current
  let (count, length) = (projections.shape[0], projections.shape[1])
  let width = projections.shape[2] / 3
  let heads = AttentionHeads(
    count: count, length: length, width: width, headCount: headCount,
    precision: options.precision(m: length, n: length, k: width / headCount))
  var output = heads.output(of: projections)
  if options.trace != nil {
    // Other formats have no such operation: the result stands for that of its parts.
    output.node = composedAttention(projections, headCount).node
    return output
  }
  return output.recorded(from: [projections], options) { gradient, _, _ in
    [heads.gradient(gradient, of: projections)]
  }
}

/// The same by operations that other formats have.
private func composedAttention(_ projections: Tensor, _ headCount: Int) -> Tensor {
  let (length, width) = (projections.shape[1], projections.shape[2] / 3)
  // [3, count, heads, length, width of a head]
  let parts = projections.reshaped([-1, length, 3, headCount, width / headCount])
    .permuted([2, 0, 3, 1, 4])
  let (queries, keys, values) = (parts[0], parts[1], parts[2])
  let scores = matmul(queries, keys.permuted([0, 1, 3, 2]))
  let weights = softmax(scores / Float(width / headCount).squareRoot())
  return matmul(weights, values).permuted([0, 2, 1, 3]).reshaped([-1, length, width])
}
