import Tensor

/// Σ over i and j of (aᵀ b)ᵢⱼ², without making that matrix where it is the larger one.
///
/// ‖aᵀ b‖² = trace(a aᵀ b bᵀ) = Σ (a aᵀ) ∘ (b bᵀ): for 256 rows of 8,192 features two products of
/// 256 by 256 instead of one of 8,192 by 8,192.
///
/// - Parameters:
///   - a: A tensor of shape [count, size].
///   - b: A tensor of the same shape.
/// - Returns: A scalar.
func squaredCrossProducts(_ a: Tensor, _ b: Tensor) -> Tensor {
  a.shape[0] < a.shape[1]
    ? (linear(a, a) * linear(b, b)).sum()
    : square(matmul(a.transposed(), b)).sum()
}
