internal import CTensorKernels

/// Products of factors rounded to bfloat16, two terms to a word of 32 bits, on the calling thread.
enum BFloat16Gemm {
  static func pairCount(_ terms: Int) -> Int { (terms + 1) / 2 }

  /// c = a · b, or += if `accumulating`.
  static func multiply(
    _ a: MatrixView, _ b: MatrixView, accumulating: Bool, into c: MatrixDestination
  ) {
    let most = pairCount(min(a.columns, Tuning.longestSumOfBFloat16))
    let rounded = Storage(elementCount: a.rows * most)
    let panels = Storage(elementCount: b.columns * most)
    let height = a.isTransposed ? Tuning.panelHeight : max(1, a.rows)
    for terms in (0..<a.columns).blocks(of: Tuning.longestSumOfBFloat16) {
      let (part, pairs) = (a.columns(terms), pairCount(terms.count))
      if a.isTransposed {
        ctk_round_panels(
          part.numbers.layout, a.stride, terms.count, a.rows, height, rounded.pointer.pairs)
      } else {
        ctk_round_rows(part.numbers.layout, a.stride, a.rows, terms.count, rounded.pointer.pairs)
      }
      round(b.rows(terms), into: panels.pointer)
      for columns in (0..<b.columns).blocks(of: Tuning.panelWidth) {
        for rows in (0..<a.rows).blocks(of: height) {
          ctk_multiply_pairs(
            rows.count, columns.count, pairs, rounded.pointer.pairs + rows.lowerBound * pairs,
            a.isTransposed ? 1 : pairs, a.isTransposed ? rows.count : 1,
            panels.pointer.pairs + columns.lowerBound * pairs,
            accumulating || terms.lowerBound > 0,
            c.from(row: rows.lowerBound, column: columns.lowerBound).numbers.layout, c.stride)
        }
      }
    }
    extendLifetime((rounded, panels))
  }

  /// c = a · b, or += if `accumulating`, for a packed b and an a that is not transposed.
  static func multiply(
    _ a: MatrixView, _ b: PackedMatrix, accumulating: Bool, into c: MatrixDestination
  ) {
    let pairs = pairCount(b.rows)
    let height = min(a.rows, max(24, (1 << 16) / pairs))
    let rounded = Storage(elementCount: a.rowsOfPairs == nil ? height * pairs : 0)
    for rows in (0..<a.rows).blocks(of: height) {
      // Numbers of 16 bits are read where they are.
      let factor = a.rows(rows).rowsOfPairs ?? round(rows: a.rows(rows), into: rounded)
      for columns in (0..<b.columns).blocks(of: Tuning.panelWidth) {
        ctk_multiply_pairs(
          rows.count, columns.count, pairs, factor.first, factor.stride, 1,
          b.pairs(at: columns.lowerBound), accumulating,
          c.from(row: rows.lowerBound, column: columns.lowerBound).numbers.layout, c.stride)
      }
    }
    extendLifetime(rounded)
  }

  /// The rows of a matrix that is not transposed, one after the other.
  private static func round(
    rows: MatrixView, into rounded: Storage
  ) -> (first: UnsafePointer<CTKBFloat16Pair>, stride: Int) {
    let pairs = rounded.pointer.pairs
    ctk_round_rows(rows.numbers.layout, rows.stride, rows.rows, rows.columns, pairs)
    return (UnsafePointer(pairs), pairCount(rows.columns))
  }

  /// panels[i][column of a panel] = terms 2i and 2i + 1 of matrix[terms, columns].
  static func round(_ matrix: MatrixView, into panels: UnsafeMutablePointer<Float>) {
    let (terms, pairs) = (matrix.rows, pairCount(matrix.rows))
    guard matrix.isTransposed else {
      return ctk_round_panels(
        matrix.numbers.layout, matrix.stride, terms, matrix.columns, Tuning.panelWidth,
        panels.pairs)
    }
    let rounded = Storage(elementCount: Tuning.panelWidth * pairs)
    for columns in (0..<matrix.columns).blocks(of: Tuning.panelWidth) {
      ctk_round_rows(
        matrix.columns(columns).numbers.layout, matrix.stride, columns.count, terms,
        rounded.pointer.pairs)
      // A pair moves as a float does.
      ctk_transpose_panel(
        rounded.pointer, pairs, columns.count, pairs, panels + columns.lowerBound * pairs)
    }
    extendLifetime(rounded)
  }
}

extension UnsafeMutablePointer<Float> {
  /// The same memory as pairs of numbers of bfloat16.
  var pairs: UnsafeMutablePointer<CTKBFloat16Pair> {
    UnsafeMutableRawPointer(self).assumingMemoryBound(to: CTKBFloat16Pair.self)
  }
}
