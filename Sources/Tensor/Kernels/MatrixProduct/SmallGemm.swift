// OpenBLAS's AVX-512 kernels multiply small matrices as they lie in memory, and copy larger ones first: for
// a weight and a batch of 64 that costs as long as to multiply. So products are made of small ones. Figures
// are of one thread of a Zen 4.

/// The most multiplications of a product that is not copied.
private let smallProduct = 1_000_000

/// The columns, or rows of a transposed operand, that it multiplies by at full speed.
let panelWidth = 64

/// The terms of a sum at a time, so that parts have enough rows.
private let longestSum = 256

/// The rows up to which products with a transposed matrix are faster in strips of it: 64 rows, 4,096 -> 256,
/// 88 instead of 69 GFLOP/s; but 128 rows 64 instead of 80.
let mostRowsOfStrips = 64

/// The size of parts of `count`, all but the last alike.
private func evenPart(of count: Int, atMost most: Int) -> Int {
  let parts = (count + most - 1) / most
  return (count + parts - 1) / parts
}

/// A product on the calling thread, in parts where those are faster: 32 rows by a weight[256, 4096] 76 instead
/// of 51 GFLOP/s, 8 rows 49 instead of 20.
func uncopiedGemm(
  m: Int, n: Int, k: Int,
  _ a: UnsafePointer<Float>, stride lda: Int, transposingA: Bool = false,
  _ b: UnsafePointer<Float>, stride ldb: Int, transposingB: Bool = false,
  _ precision: MatmulPrecision = .float32, into c: UnsafeMutablePointer<Float>, stride ldc: Int
) {
  if precision == .bfloat16 {
    return RoundedProduct.gemm(
      m: m, n: n, k: k, a, stride: lda, transposingA: transposingA, b, stride: ldb,
      transposingB: transposingB, adds: false, into: c, stride: ldc)
  }
  // Parts of products that are large on all sides would be read too often.
  let mostRows = transposingB ? mostRowsOfStrips : 256
  guard m > 0, k > 0, BLAS.coreSelection.leavesSmallProductsInPlace,
    transposingA ? !transposingB : m <= mostRows
  else {
    return singleGemm(
      m: m, n: n, k: k, a, stride: lda, transposingA: transposingA, b, stride: ldb,
      transposingB: transposingB, into: c, stride: ldc)
  }
  if transposingA {
    return transposedGemm(
      m: m, n: n, k: k, a, stride: lda, b, stride: ldb, beta: 0, into: c, stride: ldc)
  }
  let width = transposingB ? 16 : panelWidth
  for column in stride(from: 0, to: n, by: width) {
    columnGemm(
      m: m, n: min(width, n - column), k: k, a, stride: lda,
      b + column * (transposingB ? ldb : 1), stride: ldb, transposingB: transposingB,
      into: c + column, stride: ldc)
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

/// c[m, n] = a[m, k] · b[k, n] + beta · c, whose b lies in panels of neighbouring columns, each row by row: 102
/// instead of 75 GFLOP/s at 64·512·512. Sums of shorter sums are more exact.
func panelGemm(
  m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, stride lda: Int, _ b: UnsafePointer<Float>,
  beta: Float = 0, into c: UnsafeMutablePointer<Float>, stride ldc: Int,
  longestSum: Int = longestSum
) {
  guard m > 0, k > 0 else {
    return singleGemm(
      m: m, n: n, k: 0, a, stride: lda, b, stride: n, beta: beta, into: c, stride: ldc)
  }
  for panel in stride(from: 0, to: n, by: panelWidth) {
    let width = min(panelWidth, n - panel)
    columnGemm(
      m: m, n: width, k: k, a, stride: lda, b + panel * k, stride: width, beta: beta,
      into: c + panel, stride: ldc, longestSum: longestSum)
  }
}

/// c[m, n] = aᵀ[m, k] · b[k, n] + beta · c: 115 instead of 76 GFLOP/s at 128·128·113.
func transposedGemm(
  m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, stride lda: Int, _ b: UnsafePointer<Float>,
  stride ldb: Int, _ precision: MatmulPrecision = .float32, beta: Float,
  into c: UnsafeMutablePointer<Float>, stride ldc: Int
) {
  if precision == .bfloat16 {
    return RoundedProduct.gemm(
      m: m, n: n, k: k, a, stride: lda, transposingA: true, b, stride: ldb, transposingB: false,
      adds: beta == 1, into: c, stride: ldc)
  }
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
