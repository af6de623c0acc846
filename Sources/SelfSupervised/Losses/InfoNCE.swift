import Tensor

/// InfoNCE against a queue: which of one positive and many negatives is the query's own key?
///
/// The mean over rows of -log(exp(q · k / τ) / (exp(q · k / τ) + Σ exp(q · n / τ))) for unit
/// vectors (He et al., 2020, equation 1). Zero without negatives, log(1 + negatives) if all are
/// alike; no gradient flows to keys or negatives.
///
/// - Parameters:
///   - queries: A tensor of shape [count, size], of any lengths.
///   - keys: The key of each query, of the same shape, of any lengths.
///   - negatives: Rows of unit length, of shape [any number, size].
///   - temperature: τ; 0.07 in the first version, 0.2 in the second.
/// - Returns: A scalar.
public func infoNCE(
  _ queries: Tensor, keys: Tensor, negatives: Tensor, temperature: Float = 0.2
) -> Tensor {
  precondition(
    queries.rank == 2 && queries.shape == keys.shape && negatives.rank == 2
      && negatives.shape[1] == queries.shape[1],
    "infoNCE needs queries and keys of one shape [count, size] and negatives [any, size]; "
      + "got \(queries.shape), \(keys.shape) and \(negatives.shape)")
  precondition(temperature > 0, "infoNCE needs a temperature above 0; got \(temperature)")
  // The small side is divided: the logits are as many as there are negatives.
  let units = l2Normalized(queries) / temperature
  let positives = (units * l2Normalized(keys.detached)).sum(axes: [1], keepingAxes: true)
  let logits = concatenated([positives, linear(units, negatives.detached)], axis: 1)
  return crossEntropy(logits, [Int](repeating: 0, count: queries.shape[0]))
}
