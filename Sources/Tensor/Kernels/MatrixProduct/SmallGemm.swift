/// Single-threaded products of float32 in blocks so small that OpenBLAS does not pack them.
///
/// OpenBLAS's AVX-512 kernels multiply small matrices as they lie in memory and pack larger ones,
/// which for a weight and a batch of 64 takes as long as the product. On one thread of a Zen 4, 32
/// rows by a weight[256, 4096] run at 76 instead of 51 GFLOP/s, and 8 rows at 49 instead of 20.
enum SmallGemm {
  /// c = a · b, or += if `accumulating`.
  static func multiply(
    _ a: MatrixView, _ b: MatrixView, accumulating: Bool, into c: MatrixDestination
  ) {
    switch (a.isTransposed, b.isTransposed) {
    case (true, false) where min(a.rows, a.columns, b.columns) <= Tuning.mostOfTransposed:
      multiplyTransposed(a, b, accumulating: accumulating, into: c)
    case (false, let isTransposed)
    where BLAS.coreSelection.leavesSmallProductsInPlace
      && a.rows <= (isTransposed ? Tuning.mostRowsOfStrips : Tuning.mostRows):
      let width = isTransposed ? Tuning.stripWidth : Tuning.panelWidth
      for columns in (0..<b.columns).blocks(of: width) {
        multiplyStrip(
          a, b.columns(columns), accumulating: accumulating,
          into: c.from(column: columns.lowerBound), longestSum: Tuning.longestSum)
      }
    default: BLAS.multiply(a, b, accumulating: accumulating, into: c)
    }
  }

  /// c = a · b, or += if `accumulating`, for a packed b: 64·512·512 at 102 instead of 75
  /// GFLOP/s.
  static func multiply(
    _ a: MatrixView, _ b: PackedMatrix, accumulating: Bool, into c: MatrixDestination
  ) {
    for columns in (0..<b.columns).blocks(of: Tuning.panelWidth) {
      multiplyStrip(
        a, b.floats(columns), accumulating: accumulating,
        into: c.from(column: columns.lowerBound), longestSum: b.longestSum)
    }
  }

  /// A product of few columns, in blocks of terms and rows.
  private static func multiplyStrip(
    _ a: MatrixView, _ b: MatrixView, accumulating: Bool, into c: MatrixDestination,
    longestSum: Int
  ) {
    guard a.rows > 0, a.columns > 0 else {
      return BLAS.multiply(a, b, accumulating: accumulating, into: c)
    }
    for terms in (0..<a.columns).evenBlocks(ofAtMost: longestSum) {
      let (left, right) = (a.columns(terms), b.rows(terms))
      let most = max(1, Tuning.smallProduct / (terms.count * b.columns))
      for rows in (0..<a.rows).evenBlocks(ofAtMost: most) {
        BLAS.multiply(
          left.rows(rows), right, accumulating: accumulating || terms.lowerBound > 0,
          into: c.from(row: rows.lowerBound))
      }
    }
  }

  /// A product with a transposed left operand, in blocks of terms, rows and columns.
  private static func multiplyTransposed(
    _ a: MatrixView, _ b: MatrixView, accumulating: Bool, into c: MatrixDestination
  ) {
    guard a.columns > 0 else {
      return BLAS.multiply(a, b, accumulating: accumulating, into: c)
    }
    let height = Tuning.transposedBlock
    for terms in (0..<a.columns).evenBlocks(ofAtMost: height) {
      let (left, right) = (a.columns(terms), b.rows(terms))
      let width = max(16, Tuning.smallProduct / (height * terms.count) / 16 * 16)
      for rows in (0..<a.rows).blocks(of: height) {
        for columns in (0..<b.columns).blocks(of: width) {
          BLAS.multiply(
            left.rows(rows), right.columns(columns),
            accumulating: accumulating || terms.lowerBound > 0,
            into: c.from(row: rows.lowerBound, column: columns.lowerBound))
        }
      }
    }
  }
}
