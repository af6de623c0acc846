import Foundation
import Tensor

/// How the projections of a step look.
public struct ProjectionStatistics: Sendable {
  /// The mean over dimensions of the standard deviation of unit-norm projections, times the square
  /// root of their number: about 1 for healthy projections, 0 for collapsed ones.
  public var projectionStd: Float = .nan
  /// How many directions unit-norm projections use: 1 collapsed, at most their number or size.
  public var effectiveRank: Float = .nan

  /// The standard deviation of each dimension of unit-norm projections, as it is in
  /// ``projectionStd``; none for a single projection.
  public var deviations: [Float] = []
  /// ``projectionStd`` of the projections of pixels; nil for methods that have none.
  public var pixelStd: Float?

  /// The statistics of projections of shape [count, size], and of pixels of shape [pixels, size].
  public init(_ projections: Tensor, pixels: Tensor? = nil) {
    pixelStd = pixels.map(SelfSupervised.projectionStd)
    deviations = normalizedDeviations(projections)
    projectionStd = mean(of: deviations)
    effectiveRank = SelfSupervised.effectiveRank(projections)
  }
}

extension ProjectionStatistics {
  /// Whether a projection is not a number, or infinite: the training has diverged.
  public var isDivergent: Bool { deviations.contains { !$0.isFinite } }

  /// The share of dimensions that hardly differ between images, whose deviation is below a tenth: 0
  /// healthy, 1 collapsed.
  public var deadFraction: Float {
    mean(of: deviations.map { $0 < 0.1 ? 1 : 0 })
  }
}

/// How many of the unit sphere's directions `projections` [count, size] use: 1 healthy, 0
/// collapsed.
public func projectionStd(_ projections: Tensor) -> Float {
  mean(of: normalizedDeviations(projections))
}

/// The standard deviation of each dimension of unit-norm `projections` [count, size], times √size.
private func normalizedDeviations(_ projections: Tensor) -> [Float] {
  guard projections.shape[0] > 1 else { return [] }
  let size = Float(projections.shape[1])
  return withoutGradients {
    (sqrt(l2Normalized(projections.detached).variance(axes: [0], correction: 1)) * size.squareRoot())
      .scalars
  }
}

/// Not a number if there are none.
private func mean(of values: [Float]) -> Float {
  values.reduce(0, +) / Float(values.count)
}

/// The exponential of the entropy of the singular values σ of unit-norm `projections` [count,
/// size]: exp(-Σ p log p) with p = σ / Σσ (Roy and Vetterli, 2007; RankMe of Garrido et al., 2023).
///
/// - Parameters:
///   - projections: A tensor of shape [count, size].
///   - mostRows: How many of its first rows are looked at.
/// - Returns: At least 1, at most the count or the size; NaN for a single row, or if a row is not
///   finite.
public func effectiveRank(_ projections: Tensor, mostRows: Int = 128) -> Float {
  let rows = min(projections.shape[0], mostRows)
  guard rows > 1 else { return .nan }
  let gram = withoutGradients {
    let units = l2Normalized(projections.detached[0..<rows])
    let isWide = units.shape[1] > rows
    return withMatmulPrecision(.float32) {
      isWide ? matmul(units, units.transposed()) : matmul(units.transposed(), units)
    }
  }
  guard gram.isFinite else { return .nan }
  let values = symmetricEigenvalues(gram)
  // Rounding leaves eigenvalues of 1e-7 of the largest where there should be none.
  let floor = (values.max() ?? 0) * 1e-6
  return entropyRank(values.map { $0 > floor ? $0.squareRoot() : 0 })
}

/// exp(-Σ p log p) with p = value / Σ values, of values that are not below zero but for rounding.
func entropyRank(_ values: [Float]) -> Float {
  let positive = values.filter { $0 > 0 }
  let sum = positive.reduce(0, +)
  let entropy = -positive.reduce(0) { entropy, value in
    let share = value / sum
    return entropy + share * log(share)
  }
  return exp(entropy)
}
