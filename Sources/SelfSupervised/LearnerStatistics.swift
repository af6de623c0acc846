import Foundation
import Tensor

/// How a learner's last step looked.
public struct LearnerStatistics: Sendable {
  /// The mean over dimensions of the standard deviation of unit-norm projections, times the square
  /// root of their number: about 1 for healthy projections, 0 for collapsed ones.
  public var spread: Float = .nan
  /// How many directions unit-norm projections use: 1 collapsed, at most their number or size.
  public var effectiveRank: Float = .nan

  /// No step yet.
  public init() {}

  /// The statistics of projections of shape [count, size].
  public init(_ projections: Tensor) {
    spread = normalizedSpread(projections)
    effectiveRank = SelfSupervised.effectiveRank(projections)
  }
}

/// How many of the unit sphere's directions `projections` [count, size] use: 1 healthy, 0 collapsed.
public func normalizedSpread(_ projections: Tensor) -> Float {
  guard projections.shape[0] > 1 else { return .nan }
  let size = Float(projections.shape[1])
  return withoutGradients {
    let deviations = sqrt(unitNorm(projections.detached).variance(axes: [0], correction: 1))
    return deviations.mean().item * size.squareRoot()
  }
}

/// The exponential of the entropy of the singular values σ of unit-norm `projections` [count, size]:
/// exp(-Σ p log p) with p = σ / Σσ (Roy and Vetterli, 2007; RankMe of Garrido et al., 2023).
///
/// At most the first 128 rows are looked at.
public func effectiveRank(_ projections: Tensor) -> Float {
  let rows = min(projections.shape[0], 128)
  guard rows > 1 else { return .nan }
  let values = withoutGradients {
    let units = unitNorm(projections.detached[0..<rows])
    let isWide = units.shape[1] > rows
    let gram = isWide ? matmul(units, units.transposed()) : matmul(units.transposed(), units)
    return symmetricEigenvalues(gram)
  }
  // Rounding leaves eigenvalues of 1e-7 of the largest where there should be none.
  let floor = (values.max() ?? 0) * 1e-6
  let singular = values.filter { $0 > floor }.map { $0.squareRoot() }
  let sum = singular.reduce(0, +)
  let entropy = -singular.reduce(0) { entropy, value in
    let share = value / sum
    return entropy + share * log(share)
  }
  return exp(entropy)
}
