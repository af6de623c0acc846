/// Products below this many multiply-adds stay on one thread.
private let parallelProduct = 1 << 20

/// op(a) · op(b) for matrices, without record; the transposes are flags of the product.
func gemm(
  _ a: Tensor, _ b: Tensor, transposingA: Bool = false, transposingB: Bool = false,
  _ precision: MatmulPrecision
) -> Tensor {
  let (m, k) = transposingA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
  let n = transposingB ? b.shape[0] : b.shape[1]
  defer { extendLifetime((a.storage, b.storage)) }
  return Tensor([m, n]) { out in
    parallelGemm(
      m: m, n: n, k: k, a.pointer, stride: a.shape[1], transposingA: transposingA,
      b.pointer, stride: b.shape[1], transposingB: transposingB, precision, into: out, stride: n)
  }
}

/// op(a)[i] · op(b)[i] for batches of matrices, without record.
func batchedGemm(
  _ a: Tensor, _ b: Tensor, transposingA: Bool = false, transposingB: Bool = false,
  _ precision: MatmulPrecision
) -> Tensor {
  let (rowsA, columnsA) = (a.shape[1], a.shape[2])
  let (rowsB, columnsB) = (b.shape[1], b.shape[2])
  let (m, k) = transposingA ? (columnsA, rowsA) : (rowsA, columnsA)
  let n = transposingB ? rowsB : columnsB
  defer { extendLifetime((a.storage, b.storage)) }
  let (x, y) = (a.pointer, b.pointer)
  return Tensor([a.shape[0], m, n]) { out in
    Parallel.forEach(a.shape[0]) { index in
      uncopiedGemm(
        m: m, n: n, k: k, x + index * rowsA * columnsA, stride: columnsA,
        transposingA: transposingA,
        y + index * rowsB * columnsB, stride: columnsB, transposingB: transposingB,
        precision, into: out + index * m * n, stride: n)
    }
  }
}

/// One product split over the threads along its longer output side.
func parallelGemm(
  m: Int, n: Int, k: Int,
  _ a: UnsafePointer<Float>, stride lda: Int, transposingA: Bool = false,
  _ b: UnsafePointer<Float>, stride ldb: Int, transposingB: Bool = false,
  _ precision: MatmulPrecision, into c: UnsafeMutablePointer<Float>, stride ldc: Int
) {
  let parts = m * n * k < parallelProduct ? 1 : min(Threads.count, max(m, n))
  Parallel.forEach(parts) { part in
    let length = max(m, n)
    let (start, end) = (length * part / parts, length * (part + 1) / parts)
    if m >= n {
      uncopiedGemm(
        m: end - start, n: n, k: k, a + start * (transposingA ? 1 : lda), stride: lda,
        transposingA: transposingA, b, stride: ldb, transposingB: transposingB,
        precision, into: c + start * ldc, stride: ldc)
    } else {
      uncopiedGemm(
        m: m, n: end - start, k: k, a, stride: lda, transposingA: transposingA,
        b + start * (transposingB ? ldb : 1), stride: ldb, transposingB: transposingB,
        precision, into: c + start, stride: ldc)
    }
  }
}

/// A product on the calling thread; one with nothing to add up over is zeros.
func singleGemm(
  m: Int, n: Int, k: Int,
  _ a: UnsafePointer<Float>, stride lda: Int, transposingA: Bool = false,
  _ b: UnsafePointer<Float>, stride ldb: Int, transposingB: Bool = false,
  beta: Float = 0, into c: UnsafeMutablePointer<Float>, stride ldc: Int
) {
  guard m > 0, n > 0 else { return }
  guard k > 0 else {
    if beta == 0 { for row in 0..<m { (c + row * ldc).update(repeating: 0, count: n) } }
    return
  }
  BLAS.gemm(
    m: m, n: n, k: k, a, stride: lda, transposingA: transposingA, b, stride: ldb,
    transposingB: transposingB, beta: beta, into: c, stride: ldc)
}
