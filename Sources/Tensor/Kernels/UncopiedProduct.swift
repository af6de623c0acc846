// OpenBLAS's AVX-512 kernels multiply small matrices as they lie in memory, and copy larger ones first: for
// a weight and a batch of 64 that costs as long as to multiply. So products are made of small ones. (Its
// kernels for AVX2 always copy: a step is as fast with parts as with whole products there.)

/// The most multiplications of a product that is not copied.
private let smallProduct = 1_000_000

/// The columns, or rows of a transposed operand, that it multiplies by at full speed.
let panelWidth = 64

/// The terms of a sum at a time, so that parts have enough rows.
private let longestSum = 256

/// The size of parts of `count`, all but the last alike.
private func evenPart(of count: Int, atMost most: Int) -> Int {
  let parts = (count + most - 1) / most
  return (count + parts - 1) / parts
}

/// A product on the calling thread, in parts where those are faster: 32 rows by a weight[4096, 256] take a
/// third less time, 8 rows half. Parts of products that are large on all sides would be read too often.
func uncopiedGemm(
  m: Int, n: Int, k: Int,
  _ a: UnsafePointer<Float>, stride lda: Int, transposingA: Bool = false,
  _ b: UnsafePointer<Float>, stride ldb: Int, transposingB: Bool = false,
  beta: Float = 0, into c: UnsafeMutablePointer<Float>, stride ldc: Int
) {
  switch (transposingA, transposingB) {
  case (true, false) where k > 0:
    transposedGemm(
      m: m, n: n, k: k, a, stride: lda, b, stride: ldb, beta: beta, into: c, stride: ldc)
  case (false, _) where k > 0 && m <= (transposingB ? 64 : 256):
    // Kernels for a transposed b are fastest with few of its rows.
    let wide = transposingB ? 16 : panelWidth
    for column in stride(from: 0, to: n, by: wide) {
      columnGemm(
        m: m, n: min(wide, n - column), k: k, a, stride: lda,
        b + column * (transposingB ? ldb : 1), stride: ldb, transposingB: transposingB,
        beta: beta, into: c + column, stride: ldc)
    }
  default:
    singleGemm(
      m: m, n: n, k: k, a, stride: lda, transposingA: transposingA, b, stride: ldb,
      transposingB: transposingB, beta: beta, into: c, stride: ldc)
  }
}

/// c[m, n] = a[m, k] · op(b)[k, n] + beta · c for few columns, in parts of the sum and of the rows.
private func columnGemm(
  m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, stride lda: Int,
  _ b: UnsafePointer<Float>, stride ldb: Int, transposingB: Bool = false,
  beta: Float = 0, into c: UnsafeMutablePointer<Float>, stride ldc: Int,
  longestSum: Int = longestSum
) {
  let sum = evenPart(of: k, atMost: longestSum)
  for term in stride(from: 0, to: k, by: sum) {
    let terms = min(sum, k - term)
    let step = evenPart(of: m, atMost: max(1, smallProduct / (terms * n)))
    for row in stride(from: 0, to: m, by: step) {
      singleGemm(
        m: min(step, m - row), n: n, k: terms, a + row * lda + term, stride: lda,
        b + term * (transposingB ? 1 : ldb), stride: ldb, transposingB: transposingB,
        beta: term == 0 ? beta : 1, into: c + row * ldc, stride: ldc)
    }
  }
}

/// c[m, n] = a[m, k] · b[k, n], whose b lies in panels of neighbouring columns, each row by row: 103
/// instead of 75 GFLOP/s at 64·512·512, and 110 instead of 98 at 1,568·1,024·256. Sums of shorter sums are
/// more exact.
func panelGemm(
  m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, stride lda: Int, _ b: UnsafePointer<Float>,
  into c: UnsafeMutablePointer<Float>, stride ldc: Int, longestSum: Int = longestSum
) {
  guard m > 0, k > 0 else {
    return singleGemm(m: m, n: n, k: 0, a, stride: lda, b, stride: n, into: c, stride: ldc)
  }
  for panel in stride(from: 0, to: n, by: panelWidth) {
    let width = min(panelWidth, n - panel)
    columnGemm(
      m: m, n: width, k: k, a, stride: lda, b + panel * k, stride: width, into: c + panel,
      stride: ldc, longestSum: longestSum)
  }
}

/// c[m, n] = aᵀ[m, k] · b[k, n] + beta · c: 115 instead of 76 GFLOP/s at 128·128·113.
func transposedGemm(
  m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, stride lda: Int, _ b: UnsafePointer<Float>,
  stride ldb: Int, beta: Float, into c: UnsafeMutablePointer<Float>, stride ldc: Int
) {
  guard k > 0, min(m, n, k) <= 256 else {
    return singleGemm(
      m: m, n: n, k: k, a, stride: lda, transposingA: true, b, stride: ldb, beta: beta, into: c,
      stride: ldc)
  }
  let (sum, height) = (evenPart(of: k, atMost: 128), 128)
  for term in stride(from: 0, to: k, by: sum) {
    let terms = min(sum, k - term)
    let width = max(16, smallProduct / (height * terms) / 16 * 16)
    for row in stride(from: 0, to: m, by: height) {
      for column in stride(from: 0, to: n, by: width) {
        singleGemm(
          m: min(height, m - row), n: min(width, n - column), k: terms,
          a + term * lda + row, stride: lda, transposingA: true, b + term * ldb + column,
          stride: ldb, beta: term == 0 ? beta : 1, into: c + row * ldc + column, stride: ldc)
      }
    }
  }
}
