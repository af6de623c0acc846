internal import CTensorKernels

/// Products of factors rounded to bfloat16, two terms to a word of 32 bits, on the calling thread.
enum BFloat16Gemm {
  static func pairCount(_ terms: Int) -> Int { (terms + 1) / 2 }

  /// c = a · b, or += if `accumulating`.
  static func multiply(
    _ a: MatrixView, _ b: MatrixView, accumulating: Bool, into c: MatrixDestination
  ) {
    let most = pairCount(min(a.columns, Tuning.longestSumOfBFloat16))
    // Both factors' numbers: taking room costs as much as a small product.
    let room = Storage(elementCount: (a.rows + b.columns) * most)
    let (rounded, panels) = (room.pointer.pairs, room.pointer + a.rows * most)
    let height = a.isTransposed ? Tuning.panelHeight : max(1, a.rows)
    for terms in (0..<a.columns).blocks(of: Tuning.longestSumOfBFloat16) {
      let (part, pairs) = (a.columns(terms), pairCount(terms.count))
      if a.isTransposed {
        ctk_round_panels(
          part.numbers.layout, a.stride, terms.count, a.rows, height, rounded)
      } else {
        ctk_round_rows(part.numbers.layout, a.stride, a.rows, terms.count, rounded)
      }
      round(b.rows(terms), into: panels)
      for columns in (0..<b.columns).blocks(of: Tuning.panelWidth) {
        for rows in (0..<a.rows).blocks(of: height) {
          let sizes = CTKProduct(
            rows: rows.count, columns: columns.count, terms: pairs,
            rowStep: a.isTransposed ? 1 : pairs, termStep: a.isTransposed ? rows.count : 1,
            rightStep: columns.count, resultStep: c.stride,
            accumulates: accumulating || terms.lowerBound > 0)
          ctk_multiply_pairs(
            sizes, rounded + rows.lowerBound * pairs, panels.pairs + columns.lowerBound * pairs,
            c.from(row: rows.lowerBound, column: columns.lowerBound).numbers.layout)
        }
      }
    }
    extendLifetime(room)
  }

  /// c = a · b, or += if `accumulating`, for a packed b and an a that is not transposed.
  static func multiply(
    _ a: MatrixView, _ b: PackedMatrix, accumulating: Bool, into c: MatrixDestination
  ) {
    let pairs = pairCount(b.rows)
    let height = min(a.rows, max(24, (1 << 16) / pairs))
    // Numbers of 16 bits are read where they are.
    let room = a.rowsOfPairs == nil ? Storage(elementCount: height * pairs) : nil
    for rows in (0..<a.rows).blocks(of: height) {
      let part = a.rows(rows)
      guard let factor = room.map({ round(rows: part, into: $0) }) ?? part.rowsOfPairs else {
        preconditionFailure("a matrix is one of pairs, but some of its rows are not")
      }
      for columns in (0..<b.columns).blocks(of: Tuning.panelWidth) {
        let sizes = CTKProduct(
          rows: rows.count, columns: columns.count, terms: pairs, rowStep: factor.stride,
          termStep: 1, rightStep: columns.count, resultStep: c.stride, accumulates: accumulating)
        ctk_multiply_pairs(
          sizes, factor.first, b.pairs(at: columns.lowerBound),
          c.from(row: rows.lowerBound, column: columns.lowerBound).numbers.layout)
      }
    }
    extendLifetime(room)
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
