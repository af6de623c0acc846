/// c = a · b, or += if `accumulating`, on the calling thread.
func gemm(
  _ a: MatrixView, _ b: MatrixView, _ precision: MatmulPrecision = .float32,
  accumulating: Bool = false, into c: MatrixDestination
) {
  switch precision {
  case .float32: FloatGemm.multiply(a, b, accumulating: accumulating, into: c)
  case .bfloat16: BFloat16Gemm.multiply(a, b, accumulating: accumulating, into: c)
  }
}

/// c = a · b, or += if `accumulating`, on the calling thread, in the precision of the packed b.
func gemm(
  _ a: MatrixView, _ b: PackedMatrix, accumulating: Bool = false, into c: MatrixDestination
) {
  switch b.precision {
  case .float32: FloatGemm.multiply(a, b, accumulating: accumulating, into: c)
  case .bfloat16: BFloat16Gemm.multiply(a, b, accumulating: accumulating, into: c)
  }
}

/// op(a) · op(b) for matrices, without record, in parts of the longer output side for the threads.
func gemm(
  _ a: Tensor, _ b: Tensor, transposingA: Bool = false, transposingB: Bool = false,
  _ precision: MatmulPrecision
) -> Tensor {
  defer { extendLifetime((a.storage, b.storage)) }
  let a = MatrixView(a, isTransposed: transposingA)
  let b = MatrixView(b, isTransposed: transposingB)
  let length = max(a.rows, b.columns)
  let isSmall = a.rows * b.columns * a.columns < Tuning.parallelProduct
  if !isSmall { DebugBuild.warn() }
  // More parts, or smaller ones, would pack the other factor too often.
  let parts = isSmall ? 1 : min(length, max(2, min(8, length / 128)))
  return Tensor([a.rows, b.columns]) { out in
    let c = MatrixDestination(out, stride: b.columns)
    Parallel.forEach(parts) { part in
      let range = length * part / parts..<length * (part + 1) / parts
      if a.rows >= b.columns {
        gemm(a.rows(range), b, precision, into: c.from(row: range.lowerBound))
      } else {
        gemm(a, b.columns(range), precision, into: c.from(column: range.lowerBound))
      }
    }
  }
}

/// op(a)[i] · op(b)[i] for batches of matrices, without record, matrices over the threads.
func batchedGemm(
  _ a: Tensor, _ b: Tensor, transposingA: Bool = false, transposingB: Bool = false,
  _ precision: MatmulPrecision
) -> Tensor {
  defer { extendLifetime((a.storage, b.storage)) }
  let (m, n) = (a.shape[transposingA ? 2 : 1], b.shape[transposingB ? 1 : 2])
  return Tensor([a.shape[0], m, n]) { out in
    Parallel.forEach(a.shape[0]) { index in
      gemm(
        MatrixView(a, at: index, isTransposed: transposingA),
        MatrixView(b, at: index, isTransposed: transposingB), precision,
        into: MatrixDestination(out + index * m * n, stride: n))
    }
  }
}
