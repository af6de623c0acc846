internal import CTensorKernels

/// Products of floats on the calling thread.
///
/// OpenBLAS copies both factors before it multiplies, except small ones in its kernels for AVX-512.
/// For weights that are packed already, few rows and short sums that takes as long as a part of the
/// product: `ctk_multiply` reads factors where they are. Of 256 rows, 64 columns and 256 terms, one
/// thread of a Zen 5 makes 220 and 258 GFLOP/s, with AVX2 123 and 132 (`benchmark products`).
enum FloatGemm {
  /// Whether the kernel is written for this processor. On others, OpenBLAS's is.
  static var hasKernel: Bool { ctk_isa() != CTKISABaseline }

  /// Whether the kernel is there and the matrix's rows are so close together that it reads them
  /// column by column at full speed.
  private static func isNear(_ x: MatrixView) -> Bool {
    switch ctk_isa() {
    case CTKISAAVX512: true
    case CTKISAAVX2: x.stride < Tuning.farRows
    default: false
    }
  }

  /// c = a · b, or += if `accumulating`.
  static func multiply(
    _ a: MatrixView, _ b: MatrixView, accumulating: Bool, into c: MatrixDestination
  ) {
    switch (a.isTransposed, b.isTransposed) {
    case (true, false)
    where min(a.rows, a.columns, b.columns) <= Tuning.mostOfTransposed && isNear(a) && isNear(b),
      (false, false) where a.rows <= Tuning.mostRows && isNear(b):
      multiplyInSums(a, b, accumulating: accumulating, into: c)
    case (false, true)
    where BLAS.coreSelection.leavesSmallProductsInPlace && a.rows <= Tuning.mostRowsOfStrips:
      multiplyByStrips(a, b, accumulating: accumulating, into: c)
    default: BLAS.multiply(a, b, accumulating: accumulating, into: c)
    }
  }

  /// c = a · b, or += if `accumulating`, for a packed b.
  static func multiply(
    _ a: MatrixView, _ b: PackedMatrix, accumulating: Bool, into c: MatrixDestination
  ) {
    // Rows that are read once need no blocks, and OpenBLAS makes its own.
    let isOnce = b.rows <= Tuning.longestSum && b.columns <= Tuning.panelWidth
    let height = isOnce || !hasKernel ? max(1, a.rows) : Tuning.blockRows
    for rows in (0..<a.rows).evenBlocks(ofAtMost: height) {
      for columns in (0..<b.columns).blocks(of: Tuning.panelWidth) {
        multiplyInSums(
          a.rows(rows), b.floats(columns), accumulating: accumulating,
          into: c.from(row: rows.lowerBound, column: columns.lowerBound))
      }
    }
  }

  /// A product with a transposed right operand, in blocks so small that OpenBLAS copies nothing.
  private static func multiplyByStrips(
    _ a: MatrixView, _ b: MatrixView, accumulating: Bool, into c: MatrixDestination
  ) {
    guard a.columns > 0 else {
      return BLAS.multiply(a, b, accumulating: accumulating, into: c)
    }
    for columns in (0..<b.columns).blocks(of: Tuning.stripWidth) {
      for terms in (0..<a.columns).evenBlocks(ofAtMost: Tuning.stripTerms) {
        BLAS.multiply(
          a.columns(terms), b.columns(columns).rows(terms),
          accumulating: accumulating || terms.lowerBound > 0,
          into: c.from(column: columns.lowerBound))
      }
    }
  }

  /// A product in sums of few terms, by the kernel if it is there.
  private static func multiplyInSums(
    _ a: MatrixView, _ b: MatrixView, accumulating: Bool, into c: MatrixDestination
  ) {
    guard a.columns > 0 else {
      return BLAS.multiply(a, b, accumulating: accumulating, into: c)
    }
    for terms in (0..<a.columns).evenBlocks(ofAtMost: Tuning.longestSum) {
      let (left, right) = (a.columns(terms), b.rows(terms))
      let accumulates = accumulating || terms.lowerBound > 0
      guard hasKernel else {
        BLAS.multiply(left, right, accumulating: accumulates, into: c)
        continue
      }
      let sizes = CTKProduct(
        rows: a.rows, columns: b.columns, terms: terms.count,
        rowStep: a.isTransposed ? 1 : a.stride, termStep: a.isTransposed ? a.stride : 1,
        rightStep: b.stride, resultStep: c.stride, accumulates: accumulates)
      ctk_multiply(sizes, left.pointer, right.pointer, c.pointer)
    }
  }
}
