import Foundation
import Tensor

/// How many directions of features tell images apart rather than views of one image: LiDAR, the
/// effective rank of a linear discriminant analysis whose classes are images (Thilak et al., 2024).
///
/// The eigenvalues λ of W^(-1/2) · B · W^(-1/2), where B is the covariance of the images' means and
/// W that of views around the mean of their image plus 1e-4 on its diagonal, give
/// exp(-Σ p log p) with p = λ / Σλ.
///
/// Features wider than 512 are first multiplied by a fixed random matrix, [width, 512]: the work
/// grows with the third power of the width.
///
/// - Parameter views: Features [count, width] of each view, in the order of the same images; two
///   views or more.
/// - Returns: At least 1, at most the width or the count of images; NaN if it is not finite.
public func lidar(_ views: [Tensor]) -> Float {
  precondition(
    views.count > 1
      && views.allSatisfy { $0.rank == 2 && $0.shape == views[0].shape && $0.shape[0] > 1 },
    "lidar needs features [count, width] of two views or more of two images or more; got shapes "
      + "\(views.map(\.shape))")
  return withoutGradients {
    withMatmulPrecision(.float32) {
      let views = narrowed(views.map(\.detached))
      let means = views.dropFirst().reduce(views[0], +) / Float(views.count)
      let centered = means - means.mean(axes: [0], keepingAxes: true)
      let between = covariance([centered], degrees: centered.shape[0] - 1)
      let within = covariance(
        views.map { $0 - means }, degrees: centered.shape[0] * (views.count - 1))
      guard between.isFinite, within.isFinite,
        let whitened = whitened(between, by: within, floor: 1e-4)
      else { return .nan }
      return entropyRank(symmetricEigenvalues(whitened))
    }
  }
}

/// The widest features of which the analysis is made.
private let widest = 512

private func narrowed(_ views: [Tensor]) -> [Tensor] {
  let width = views[0].shape[1]
  guard width > widest else { return views }
  var stream = RandomStream(seed: 0)
  let projection = Tensor.normal(
    [width, widest], standardDeviation: 1 / Float(widest).squareRoot(), using: &stream)
  return views.map { matmul($0, projection) }
}

/// Σ xᵀx / degrees over parts [count, width] whose means are taken off.
private func covariance(_ parts: [Tensor], degrees: Int) -> Tensor {
  let products = parts.map { matmul($0.transposed(), $0) }
  return products.dropFirst().reduce(products[0], +) / Float(degrees)
}

/// L⁻¹ · B · L⁻ᵀ, where L · Lᵀ = W + floor · I: its eigenvalues are those of W^(-1/2) · B ·
/// W^(-1/2). Nil if W is no covariance.
private func whitened(_ between: Tensor, by within: Tensor, floor: Double) -> Tensor? {
  let size = between.shape[0]
  var lower = within.scalars.map(Double.init)
  for index in 0..<size { lower[index * size + index] += floor }
  guard factorize(&lower, size) else { return nil }
  // The first solve gives L⁻¹ B; that of its transpose B L⁻ᵀ from the left, B being symmetric.
  var result = between.scalars.map(Double.init)
  for _ in 0..<2 {
    solve(lower, &result, size)
    transpose(&result, size)
  }
  return Tensor(result.map { Float($0) }, shape: [size, size])
}

/// matrix[size, size] = L, where L · Lᵀ was the matrix (Cholesky).
private func factorize(_ matrix: inout [Double], _ size: Int) -> Bool {
  matrix.withUnsafeMutableBufferPointer { matrix in
    for row in 0..<size {
      for column in 0...row {
        var sum = matrix[row * size + column]
        for k in 0..<column { sum -= matrix[row * size + k] * matrix[column * size + k] }
        guard row != column || sum > 0 else { return false }
        matrix[row * size + column] =
          row == column ? sum.squareRoot() : sum / matrix[column * size + column]
      }
    }
    return true
  }
}

/// rows[size, size] = L⁻¹ · rows
private func solve(_ lower: [Double], _ rows: inout [Double], _ size: Int) {
  rows.withUnsafeMutableBufferPointer { rows in
    for row in 0..<size {
      for k in 0..<row {
        let factor = lower[row * size + k]
        for column in 0..<size { rows[row * size + column] -= factor * rows[k * size + column] }
      }
      let diagonal = lower[row * size + row]
      for column in 0..<size { rows[row * size + column] /= diagonal }
    }
  }
}

private func transpose(_ matrix: inout [Double], _ size: Int) {
  for row in 0..<size {
    for column in 0..<row { matrix.swapAt(row * size + column, column * size + row) }
  }
}
