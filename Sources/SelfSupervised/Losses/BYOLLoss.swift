import Tensor

/// BYOL's regression of predictions on targets: 2 - 2 · cosine, the squared distance of unit
/// vectors.
///
/// The mean over rows; 0 for equal directions, 2 for orthogonal ones, 4 for opposite ones (Grill et
/// al., 2020, equation 2). No gradient flows to the targets.
///
/// - Parameters:
///   - predictions: A tensor of shape [count, size].
///   - targets: A tensor of the same shape.
/// - Returns: A scalar.
public func byolLoss(_ predictions: Tensor, onto targets: Tensor) -> Tensor {
  precondition(
    predictions.rank == 2 && predictions.shape == targets.shape,
    "byolLoss needs two tensors of one shape [count, size]; got \(predictions.shape) and "
      + "\(targets.shape)")
  return 2 - 2 * cosineSimilarity(predictions, targets.detached).mean()
}
