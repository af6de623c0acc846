import Tensor

/// How much the three terms of VICReg's loss count (Bardes et al., 2022, section 4.2).
public struct VICRegWeights: Hashable, Sendable {
  /// Of the squared distance of the two views.
  public var invariance: Float
  /// Of features that vary too little.
  public var variance: Float
  /// Of features that vary together.
  public var covariance: Float

  /// The paper's weights, unless others are given.
  public init(invariance: Float = 25, variance: Float = 25, covariance: Float = 1) {
    self.invariance = invariance
    self.variance = variance
    self.covariance = covariance
  }
}

/// VICReg's loss: views agree, every feature varies, and no two vary together.
///
/// invariance · mean (a - b)²
/// + variance · ½ Σ over views of meanᵢ max(0, 1 - √(varᵢ + 1e-4))
/// + covariance · Σ over views of Σᵢ Σⱼ≠ᵢ covᵢⱼ² / size,
/// with unbiased variances over the batch (Bardes et al., 2022, equations 1 to 6, and the factor ½
/// of their code). At least 0, without bound above; constant features give 0.99 · variance.
///
/// - Parameters:
///   - first: Projections of shape [count, size].
///   - second: Those of the other views, of the same shape.
///   - weights: How much each term counts.
/// - Returns: A scalar.
/// - Precondition: There are at least two rows.
public func vicRegLoss(
  _ first: Tensor, _ second: Tensor, weights: VICRegWeights = VICRegWeights()
) -> Tensor {
  checkPair("vicRegLoss", first, second)
  let rows = batchRows(first)
  let (a, b) = (spread(of: first, rows), spread(of: second, rows))
  let invariance = square(first - second).mean()
  return weights.invariance * invariance
    + weights.variance * 0.5 * (a.lack + b.lack)
    + weights.covariance * (a.redundancy + b.redundancy)
}

/// What the features of one view lack in variance, and how much they vary together.
private func spread(
  of projections: Tensor, _ rows: BatchRows
) -> (lack: Tensor, redundancy: Tensor) {
  let size = Float(projections.shape[1])
  let centred = projections - meanOverAll(projections, rows, keepingAxes: true)
  let variance = allReduceSum(square(centred).sum(axes: [0])) / Float(rows.total - 1)
  return (
    relu(1 - sqrt(variance + 1e-4)).mean(),
    squaredCovariances(centred, variance: variance, rows) / size
  )
}

/// The sum of the squares of all features' covariances with each other.
private func squaredCovariances(
  _ centred: Tensor, variance: Tensor, _ rows: BatchRows
) -> Tensor {
  let degrees = Float(rows.total - 1)
  guard rows.total < centred.shape[1] else {
    let others = 1 - Tensor.identity(centred.shape[1])
    return square(allReduceSum(matmul(centred.transposed(), centred)) / degrees * others).sum()
  }
  // The matrix of all features is the larger one and is not made. Rounding may take the difference
  // of the two sums below zero.
  let products = squaredCrossProducts(centred, centred, rows) / (degrees * degrees)
  return relu(products - square(variance).sum())
}
