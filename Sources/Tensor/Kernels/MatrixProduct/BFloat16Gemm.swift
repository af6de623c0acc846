internal import CTensorKernels

/// Products of factors that are rounded to bfloat16, two terms to a number of 32 bits, on the calling thread.
enum RoundedProduct {
  /// The terms of a sum at a time: 1 KB for each row and column, which the second-level cache holds for about a
  /// thousand of them.
  private static let longestSum = 512

  /// The rows of a transposed factor that lie together.
  private static let panelHeight = 48

  /// The columns of a panel.
  static let panelWidth = Int(CTKBFloat16PanelWidth)

  static func pairCount(_ terms: Int) -> Int { (terms + 1) / 2 }

  /// c[m, n] = op(a)[m, k] · op(b)[k, n], or += with `adds`.
  static func gemm(
    m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, stride lda: Int, transposingA: Bool,
    _ b: UnsafePointer<Float>, stride ldb: Int, transposingB: Bool, adds: Bool,
    into c: UnsafeMutablePointer<Float>, stride ldc: Int
  ) {
    let most = pairCount(min(k, longestSum))
    let (rows, columns) = (Storage(elementCount: m * most), Storage(elementCount: n * most))
    for term in stride(from: 0, to: k, by: longestSum) {
      let terms = min(longestSum, k - term)
      let pairs = pairCount(terms)
      if transposingA {
        ctk_round_panels(a + term * lda, lda, terms, m, panelHeight, rows.pairs)
      } else {
        ctk_round_rows(a + term, lda, m, terms, rows.pairs)
      }
      if transposingB {
        roundTransposed(b + term, stride: ldb, columns: n, terms: terms, into: columns)
      } else {
        ctk_round_panels(b + term * ldb, ldb, terms, n, panelWidth, columns.pairs)
      }
      let height = transposingA ? panelHeight : m
      for column in stride(from: 0, to: n, by: panelWidth) {
        for row in stride(from: 0, to: m, by: height) {
          let count = min(height, m - row)
          ctk_multiply_pairs(
            count, min(panelWidth, n - column), pairs, rows.pairs + row * pairs,
            transposingA ? 1 : pairs, transposingA ? count : 1, columns.pairs + column * pairs,
            adds || term > 0, c + row * ldc + column, ldc)
        }
      }
    }
    extendLifetime((rows, columns))
  }

  /// c[m, n] = a[m, k] · b[k, n], or += with `adds`, whose b was rounded to panels of neighbouring columns.
  static func panelGemm(
    m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, stride lda: Int,
    _ b: UnsafePointer<CTKBFloat16Pair>, adds: Bool, into c: UnsafeMutablePointer<Float>,
    stride ldc: Int
  ) {
    let pairs = pairCount(k)
    let height = min(m, max(24, (1 << 16) / pairs))
    let rows = Storage(elementCount: height * pairs)
    for row in stride(from: 0, to: m, by: height) {
      let count = min(height, m - row)
      ctk_round_rows(a + row * lda, lda, count, k, rows.pairs)
      for column in stride(from: 0, to: n, by: panelWidth) {
        ctk_multiply_pairs(
          count, min(panelWidth, n - column), pairs, rows.pairs, pairs, 1, b + column * pairs, adds,
          c + row * ldc + column, ldc)
      }
    }
    extendLifetime(rows)
  }

  /// panels[i][column of a panel] = terms 2i and 2i + 1 of x[columns, terms].
  static func roundTransposed(
    _ x: UnsafePointer<Float>, stride: Int, columns: Int, terms: Int, into panels: Storage,
    from start: Int = 0
  ) {
    let pairs = pairCount(terms)
    let rows = Storage(elementCount: panelWidth * pairs)
    for column in Swift.stride(from: 0, to: columns, by: panelWidth) {
      let width = min(panelWidth, columns - column)
      ctk_round_rows(x + column * stride, stride, width, terms, rows.pairs)
      // A pair is moved as a float is.
      ctk_transpose_panel(
        rows.pointer, pairs, width, pairs, panels.pointer + start + column * pairs)
    }
    extendLifetime(rows)
  }
}

extension Storage {
  /// Its numbers as pairs of rounded ones.
  var pairs: UnsafeMutablePointer<CTKBFloat16Pair> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: CTKBFloat16Pair.self)
  }
}
