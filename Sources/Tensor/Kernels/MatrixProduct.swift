/// Products below this many multiply-adds stay on one thread.
private let parallelProduct = 1 << 20

/// op(a) · op(b) for matrices, without record; the transposes are flags of the product.
func gemm(
  _ a: Tensor, _ b: Tensor, transposingA: Bool = false, transposingB: Bool = false
) -> Tensor {
  let (m, k) = transposingA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
  let n = transposingB ? b.shape[0] : b.shape[1]
  defer { extendLifetime((a.storage, b.storage)) }
  return Tensor([m, n]) { out in
    parallelGemm(
      m: m, n: n, k: k, a.pointer, stride: a.shape[1], transposingA: transposingA,
      b.pointer, stride: b.shape[1], transposingB: transposingB, into: out, stride: n)
  }
}

/// op(a)[i] · op(b)[i] for batches of matrices, without record.
func batchedGemm(
  _ a: Tensor, _ b: Tensor, transposingA: Bool = false, transposingB: Bool = false
) -> Tensor {
  let (rowsA, columnsA) = (a.shape[1], a.shape[2])
  let (rowsB, columnsB) = (b.shape[1], b.shape[2])
  let (m, k) = transposingA ? (columnsA, rowsA) : (rowsA, columnsA)
  let n = transposingB ? rowsB : columnsB
  defer { extendLifetime((a.storage, b.storage)) }
  let (x, y) = (a.pointer, b.pointer)
  return Tensor([a.shape[0], m, n]) { out in
    Parallel.forEach(a.shape[0]) { index in
      singleGemm(
        m: m, n: n, k: k, x + index * rowsA * columnsA, stride: columnsA,
        transposingA: transposingA,
        y + index * rowsB * columnsB, stride: columnsB, transposingB: transposingB,
        into: out + index * m * n, stride: n)
    }
  }
}

/// One product split over the threads along its longer output side.
func parallelGemm(
  m: Int, n: Int, k: Int,
  _ a: UnsafePointer<Float>, stride lda: Int, transposingA: Bool = false,
  _ b: UnsafePointer<Float>, stride ldb: Int, transposingB: Bool = false,
  beta: Float = 0, into c: UnsafeMutablePointer<Float>, stride ldc: Int
) {
  let parts = m * n * k < parallelProduct ? 1 : min(Threads.count, max(m, n))
  Parallel.forEach(parts) { part in
    let length = max(m, n)
    let (start, end) = (length * part / parts, length * (part + 1) / parts)
    if m >= n {
      singleGemm(
        m: end - start, n: n, k: k, a + start * (transposingA ? 1 : lda), stride: lda,
        transposingA: transposingA, b, stride: ldb, transposingB: transposingB, beta: beta,
        into: c + start * ldc, stride: ldc)
    } else {
      singleGemm(
        m: m, n: end - start, k: k, a, stride: lda, transposingA: transposingA,
        b + start * (transposingB ? ldb : 1), stride: ldb, transposingB: transposingB, beta: beta,
        into: c + start, stride: ldc)
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

// MARK: - In parts that OpenBLAS multiplies as they lie in memory

/// The most multiplications for which OpenBLAS's AVX-512 kernels do not copy their operands first. Those
/// for AVX2 always do: a step is as fast with parts as with whole products there.
private let uncopiedProduct = 1_000_000

/// The columns, or rows of a transposed operand, that it multiplies by at full speed.
let panelWidth = 64

/// The terms of a sum at a time, so that parts have enough rows; sums of sums are more exact, too.
private let longestSum = 128

/// The size of parts of `count`, all but the last alike.
private func evenPart(of count: Int, atMost most: Int) -> Int {
  let parts = (count + most - 1) / most
  return (count + parts - 1) / parts
}

/// c[m, n] = a[m, k] · b[k, n], whose b lies in panels of neighbouring columns, each row by row: 103
/// instead of 75 GFLOP/s at 64·512·512, and 110 instead of 98 at 1,568·1,024·256.
func panelGemm(
  m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, stride lda: Int, _ b: UnsafePointer<Float>,
  into c: UnsafeMutablePointer<Float>, stride ldc: Int
) {
  guard m > 0, k > 0 else {
    return singleGemm(m: m, n: n, k: 0, a, stride: lda, b, stride: n, into: c, stride: ldc)
  }
  let sum = evenPart(of: k, atMost: longestSum)
  for panel in stride(from: 0, to: n, by: panelWidth) {
    let width = min(panelWidth, n - panel)
    for term in stride(from: 0, to: k, by: sum) {
      let terms = min(sum, k - term)
      let step = evenPart(of: m, atMost: max(1, uncopiedProduct / (terms * width)))
      for row in stride(from: 0, to: m, by: step) {
        singleGemm(
          m: min(step, m - row), n: width, k: terms, a + row * lda + term, stride: lda,
          b + panel * k + term * width, stride: width, beta: term == 0 ? 0 : 1,
          into: c + row * ldc + panel, stride: ldc)
      }
    }
  }
}

/// c[m, n] = aᵀ[m, k] · b[k, n] + beta · c: in parts where one side is short, 112 instead of 93 GFLOP/s at
/// 128·128·113, and whole elsewhere.
func transposedGemm(
  m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, stride lda: Int, _ b: UnsafePointer<Float>,
  stride ldb: Int, beta: Float, into c: UnsafeMutablePointer<Float>, stride ldc: Int
) {
  guard k > 0, n <= 256 || m <= 128 else {
    return singleGemm(
      m: m, n: n, k: k, a, stride: lda, transposingA: true, b, stride: ldb, beta: beta, into: c,
      stride: ldc)
  }
  let sum = evenPart(of: k, atMost: longestSum)
  for term in stride(from: 0, to: k, by: sum) {
    let terms = min(sum, k - term)
    let width = max(16, uncopiedProduct / (panelWidth * terms) / 16 * 16)
    for row in stride(from: 0, to: m, by: panelWidth) {
      for column in stride(from: 0, to: n, by: width) {
        singleGemm(
          m: min(panelWidth, m - row), n: min(width, n - column), k: terms,
          a + term * lda + row, stride: lda, transposingA: true, b + term * ldb + column,
          stride: ldb, beta: term == 0 ? beta : 1, into: c + row * ldc + column, stride: ldc)
      }
    }
  }
}
