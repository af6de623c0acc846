import Tensor

/// Barlow Twins' loss: each feature agrees with itself across views and with no other one.
///
/// Σᵢ (cᵢᵢ - 1)² + λ · Σᵢ Σⱼ≠ᵢ cᵢⱼ², c the cross-correlation of the two views' features over the
/// batch, each with mean 0 and variance 1 there (Zbontar et al., 2021, equation 1). Between 0 and 4
/// · size + λ · size · (size - 1); `size` itself if the features are constant or unrelated.
///
/// - Parameters:
///   - first: Projections of shape [count, size].
///   - second: Those of the other views, of the same shape.
///   - redundancyWeight: λ.
/// - Returns: A scalar.
/// - Precondition: There are at least two rows.
public func barlowTwinsLoss(
  _ first: Tensor, _ second: Tensor, redundancyWeight: Float = 5e-3
) -> Tensor {
  checkPair("barlowTwinsLoss", first, second)
  let rows = batchRows(first)
  let (a, b) = (batchNorm(first).output, batchNorm(second).output)
  let count = Float(rows.total)
  let diagonal = meanOverAll(a * b, rows)
  let onDiagonal = square(diagonal - 1).sum()
  let offDiagonal = squaredCrossProducts(a, b, rows) / (count * count) - square(diagonal).sum()
  return onDiagonal + redundancyWeight * offDiagonal
}

/// Traps unless both are of one shape [count, size] with at least two rows.
func checkPair(_ name: String, _ first: Tensor, _ second: Tensor) {
  // Of several processes one may have a single row.
  let least = ProcessGroup.current.isSingle ? 2 : 1
  precondition(
    first.rank == 2 && first.shape == second.shape && first.shape[0] >= least,
    "\(name) needs two tensors of one shape [count, size] with at least 2 rows; got "
      + "\(first.shape) and \(second.shape)")
}
