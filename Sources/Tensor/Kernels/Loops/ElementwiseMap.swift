func fill(_ out: UnsafeMutablePointer<Float>, count: Int, with value: Float) {
  Parallel.forRanges(count, grain: Tuning.parallelGrain * 4) { range in
    (out + range.lowerBound).update(repeating: value, count: range.count)
  }
}

/// A tensor of the shape of `x` whose elements `body` computes, a stretch at a time on all threads:
/// `mapped(x) { $0.each { $0 * 2 } }`.
///
/// The function of one element is written inside a closure that is called once per stretch, so that
/// the compiler inlines it. Handed to other threads it would be called for each element, at ten
/// times the cost.
func mapped(_ x: Tensor, _ body: (MapLoop) -> Void) -> Tensor {
  defer { extendLifetime(x.storage) }
  let source = x.pointer
  return Tensor(x.shape) { out in
    Parallel.forRanges(x.elementCount, grain: Tuning.parallelGrain) { range in
      body(
        MapLoop(
          source: source + range.lowerBound, out: out + range.lowerBound, count: range.count))
    }
  }
}

/// A tensor of the shape that `a` and `b` broadcast to whose elements `body` computes, a stretch at
/// a time on all threads: `zipped(a, b) { $0.each(+) }`.
func zipped(
  _ a: Tensor, _ b: Tensor, operation: String = #function, _ body: (ZipLoop) -> Void
) -> Tensor {
  defer { extendLifetime((a.storage, b.storage)) }
  let (x, y) = (a.pointer, b.pointer)
  if a.shape == b.shape {
    return Tensor(a.shape) { out in
      Parallel.forRanges(a.elementCount, grain: Tuning.parallelGrain) { range in
        body(ZipLoop(x: x, y: y, out: out, range: range, plan: nil))
      }
    }
  }
  let plan = BroadcastPlan(a.shape, b.shape, operation: operation)
  return Tensor(plan.shape) { out in
    Parallel.forRanges(plan.rowCount, grain: max(1, Tuning.parallelGrain / max(1, plan.rowLength)))
    {
      rows in body(ZipLoop(x: x, y: y, out: out, range: rows, plan: plan))
    }
  }
}

/// A stretch of elements that one thread computes from one tensor.
struct MapLoop {
  fileprivate let source: UnsafePointer<Float>
  fileprivate let out: UnsafeMutablePointer<Float>
  fileprivate let count: Int

  /// out[i] = function(x[i])
  @inline(__always)
  func each(_ function: (Float) -> Float) {
    for index in 0..<count { out[index] = function(source[index]) }
  }
}

/// A stretch of elements, or of rows if shapes differ, that one thread computes from two tensors.
struct ZipLoop {
  fileprivate let x: UnsafePointer<Float>
  fileprivate let y: UnsafePointer<Float>
  fileprivate let out: UnsafeMutablePointer<Float>
  fileprivate let range: Range<Int>
  fileprivate let plan: BroadcastPlan?

  /// out[i] = function(a[i], b[i]), either one repeated along axes where its size is 1.
  @inline(__always)
  func each(_ function: (Float, Float) -> Float) {
    guard let plan else {
      for index in range { out[index] = function(x[index], y[index]) }
      return
    }
    for row in range {
      let (i, j) = plan.offsets(ofRow: row)
      let (p, q, result) = (x + i, y + j, out + row * plan.rowLength)
      switch plan.rowStrides {
      case (1, 0):
        let second = q[0]
        for index in 0..<plan.rowLength { result[index] = function(p[index], second) }
      case (0, 1):
        let first = p[0]
        for index in 0..<plan.rowLength { result[index] = function(first, q[index]) }
      default:
        for index in 0..<plan.rowLength { result[index] = function(p[index], q[index]) }
      }
    }
  }
}
