import Tensor

/// SimCLR's contrastive loss: each view must find the other view of its image among all others
/// (Chen et al., 2020, equation 1).
///
/// With the 2N unit vectors z of both views, S = z · zᵀ / τ and p(i) the other view of i, the mean
/// over all i of -log(exp S[i, p(i)] / Σ exp S[i, k]) over k ≠ i. Google's code gives twice that,
/// AI Summer and lightly the same. No exponential can overflow: temperatures of 0.01 and below are
/// as good as any.
///
/// Between 0 and log(2N - 1) + 2/τ. Equal projections have log(2N - 1) and random ones about that,
/// more at low temperatures; views that agree and are orthogonal to all others have log(exp(1/τ) +
/// 2N - 2) - 1/τ. For N = 128 and τ = 0.2 these are 5.54 and 1.00, and a small ResNet on
/// Fashion-MNIST goes from 5.9 to 2.9 in half an epoch (`pretrain --method simclr --steps 234`). A
/// loss that stays at the first number learns nothing; if ``ProjectionStatistics/projectionStd`` is
/// near zero too, the projections have collapsed.
///
/// Decoupled (Yeh et al., 2022), the positive is not in the sum: the gradient no longer fades when
/// a pair is easy, which helps small batches. The loss is then between log(2N - 2) - 2/τ and log(2N
/// - 2) + 2/τ, and often below zero: log(2N - 2) - 1/τ for views that agree and are orthogonal to
/// all others. It is the mean over anchors, as in lightly, where the paper's equation 6 is the sum.
///
/// - Parameters:
///   - first: Projections of the first views, of shape [N, size], of any length.
///   - second: Projections of the second views, of the same shape.
///   - temperature: τ: 0.5 for CIFAR-10, 0.1 for ImageNet in Google's settings.
///   - isDecoupled: Whether the positive is left out of the sum.
/// - Returns: A scalar.
/// - Precondition: There are at least two images: one has no negatives.
public func ntXent(
  _ first: Tensor, _ second: Tensor, temperature: Float = 0.5, isDecoupled: Bool = false
) -> Tensor {
  precondition(
    first.rank == 2 && first.shape == second.shape && first.shape[0] > 0,
    "ntXent needs two tensors of one shape [count, size] with a count of at least 2; got "
      + "\(first.shape) and \(second.shape)")
  precondition(temperature > 0, "ntXent needs a temperature above zero; got \(temperature)")
  let (rows, count) = (batchRows(first), first.shape[0])
  precondition(
    rows.total > 1,
    "ntXent needs two tensors of one shape [count, size] with a count of at least 2; got "
      + "\(first.shape) and \(second.shape)")
  let units = l2Normalized(concatenated([first, second]))
  let all =
    rows.total == count
    ? units : concatenated([allGather(units[0..<count]), allGather(units[count..<2 * count])])
  let similarities = matmul(units / temperature, all.transposed())
  // Where this process's rows are among first views and among second ones.
  let places = Array(rows.own) + rows.own.map { rows.total + $0 }
  let partners = places.map { ($0 + rows.total) % (2 * rows.total) }
  let own = Tensor.oneHot(places, classCount: 2 * rows.total)
  guard isDecoupled else { return crossEntropy(similarities.hiding(own), partners) }
  let negatives = similarities.hiding(own + .oneHot(partners, classCount: 2 * rows.total))
  return (negatives.logSumExp() - similarities.takeAlong(partners)).mean()
}

extension Tensor {
  /// Nothing is left of the exponential where `mask` is one; zeros leave elements as they are.
  fileprivate func hiding(_ mask: Tensor) -> Tensor {
    // Finite, for zero times an infinity is not a number.
    self + mask * -Float.greatestFiniteMagnitude
  }
}
