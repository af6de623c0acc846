internal import CTensorKernels

/// The heads of self-attention, and where the queries, keys and values of each lie in memory.
///
/// Nothing as large as all attention weights is kept: the reverse pass computes them again, for some
/// queries of one head at a time.
struct AttentionHeads {
  let count: Int
  let length: Int
  /// The features of all heads.
  let width: Int
  let headCount: Int
  let precision: MatmulPrecision

  private var headWidth: Int { width / headCount }
  /// 1 / √(width of a head)
  private var scale: Float { 1 / Float(headWidth).squareRoot() }
  /// The queries whose weights are computed at a time.
  private var step: Int { max(1, min(length, Tuning.attentionWeights / length)) }

  /// out[count, length, width], from projections[count, length, 3 · width].
  func output(of projections: Tensor) -> Tensor {
    defer { extendLifetime(projections.storage) }
    return Tensor([count, length, width]) { out in
      forEachHead(scratch: 1) { image, head, scratch in
        let heads = Operands(projections.pointer, image, head, self)
        for rows in (0..<length).evenBlocks(ofAtMost: step) {
          let weights = self.weights(of: rows, heads, into: scratch[0])
          gemm(weights, heads.values, precision, into: destination(out, image, head, rows))
        }
      }
    }
  }

  /// The gradient of projections[count, length, 3 · width].
  func gradient(_ dy: Tensor, of projections: Tensor) -> Tensor {
    defer { extendLifetime((dy.storage, projections.storage)) }
    return Tensor(projections.shape) { out in
      forEachHead(scratch: 2) { image, head, scratch in
        let heads = Operands(projections.pointer, image, head, self)
        let dOutput = MatrixView(
          dy.pointer + image * length * width + head * headWidth, rows: length, columns: headWidth,
          stride: width)
        func destination(_ part: Int) -> MatrixDestination {
          MatrixDestination(
            out + image * length * 3 * width + part * width + head * headWidth, stride: 3 * width)
        }
        for rows in (0..<length).evenBlocks(ofAtMost: step) {
          let (p, g) = (weights(of: rows, heads, into: scratch[0]), dOutput.rows(rows))
          let isLater = rows.lowerBound > 0
          // dV = Pᵀ · dO
          gemm(p.transposed, g, precision, accumulating: isLater, into: destination(2))
          // dP = dO · Vᵀ, then dS = scale · P · (dP - Σ P · dP)
          gemm(
            g, heads.values.transposed, precision,
            into: MatrixDestination(scratch[1], stride: length))
          ctk_softmax_gradient_rows(scratch[0], scratch[1], rows.count, length, scale)
          let dScores = MatrixView(scratch[1], rows: rows.count, columns: length)
          // dQ = dS · K
          gemm(
            dScores, heads.keys, precision, into: destination(0).from(row: rows.lowerBound))
          // dK = dSᵀ · Q
          gemm(
            dScores.transposed, heads.queries.rows(rows), precision, accumulating: isLater,
            into: destination(1))
        }
      }
    }
  }

  /// softmax(scale · Q · Kᵀ) of some queries.
  private func weights(
    of rows: Range<Int>, _ heads: Operands, into scratch: UnsafeMutablePointer<Float>
  ) -> MatrixView {
    gemm(
      heads.queries.rows(rows), heads.keys.transposed, precision,
      into: MatrixDestination(scratch, stride: length))
    ctk_softmax_rows(scratch, rows.count, length, scale)
    return MatrixView(scratch, rows: rows.count, columns: length)
  }

  private func destination(
    _ out: UnsafeMutablePointer<Float>, _ image: Int, _ head: Int, _ rows: Range<Int>
  ) -> MatrixDestination {
    MatrixDestination(
      out + (image * length + rows.lowerBound) * width + head * headWidth, stride: width)
  }

  /// Calls `body` for each head of each image, with so many rooms for weights.
  private func forEachHead(
    scratch rooms: Int,
    _ body: (_ image: Int, _ head: Int, _ scratch: [UnsafeMutablePointer<Float>]) -> Void
  ) {
    Parallel.workers(count * headCount) { _, next in
      let storage = Storage(elementCount: rooms * step * length)
      let scratch = (0..<rooms).map { storage.pointer + $0 * step * length }
      while let block = next() { body(block / headCount, block % headCount, scratch) }
      extendLifetime(storage)
    }
  }

  /// The queries, keys and values of a head: each of shape [length, width of a head].
  private struct Operands {
    let queries: MatrixView
    let keys: MatrixView
    let values: MatrixView

    init(_ x: UnsafePointer<Float>, _ image: Int, _ head: Int, _ heads: AttentionHeads) {
      func part(_ number: Int) -> MatrixView {
        MatrixView(
          x + image * heads.length * 3 * heads.width + number * heads.width
            + head * heads.headWidth,
          rows: heads.length, columns: heads.headWidth, stride: 3 * heads.width)
      }
      (queries, keys, values) = (part(0), part(1), part(2))
    }
  }
}
