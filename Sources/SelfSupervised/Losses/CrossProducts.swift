import Tensor

/// Σ over i and j of (aᵀ b)ᵢⱼ², without making that matrix where it is the larger one; alike on all
/// processes, each of which has some of the rows.
///
/// ‖aᵀ b‖² = trace(a aᵀ b bᵀ) = Σ (a aᵀ) ∘ (b bᵀ): for 256 rows of 8,192 features two products of
/// 256 by 256 instead of one of 8,192 by 8,192.
///
/// - Parameters:
///   - a: A tensor of shape [count, size].
///   - b: A tensor of the same shape.
///   - rows: How many rows all processes have.
/// - Returns: A scalar.
func squaredCrossProducts(_ a: Tensor, _ b: Tensor, _ rows: BatchRows) -> Tensor {
  rows.total < a.shape[1]
    ? allReduceSum((linear(a, allGather(a)) * linear(b, allGather(b))).sum())
    : square(allReduceSum(matmul(a.transposed(), b))).sum()
}
