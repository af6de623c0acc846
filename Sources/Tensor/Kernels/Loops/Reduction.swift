/// Reduces `x` over `axes` (sorted, counted from the front), which stay as size 1.
func reduced(_ x: Tensor, over axes: [Int], _ reduction: Reduction) -> Tensor {
  var result = x
  // Neighbouring axes go in one pass, the last ones first.
  var rest = axes[...]
  while let last = rest.popLast() {
    var first = last
    while rest.last == first - 1 {
      rest.removeLast()
      first -= 1
    }
    result = reducedMiddle(result, axes: first..<last + 1, reduction)
  }
  return result
}

/// out[o, i] = combine over m of x[o, m, i], for x seen as [outer, middle, inner].
///
/// A long middle is reduced in parts and the parts' results again: long sums keep their digits, and
/// a single one uses all threads.
private func reducedMiddle(_ x: Tensor, axes: Range<Int>, _ reduction: Reduction) -> Tensor {
  let outer = x.shape.elementCount(0..<axes.lowerBound)
  let inner = x.shape.elementCount(axes.upperBound..<x.rank)
  var result = x.reshapedWithoutRecord([outer, x.shape.elementCount(axes), inner])
  repeat {
    result = reducedParts(result, reduction)
  } while result.shape[1] > 1
  return result.reshapedWithoutRecord(x.shape.reduced(over: Array(axes), keepingAxes: true))
}

/// out[o, p, i] = combine over the m of part p of x[o, m, i]; the parts depend on the sizes alone.
private func reducedParts(_ x: Tensor, _ reduction: Reduction) -> Tensor {
  defer { extendLifetime(x.storage) }
  let (outer, middle, inner) = (x.shape[0], x.shape[1], x.shape[2])
  let parts = max(1, middle / (inner == 1 ? 4_096 : 256))
  let columns = min(inner, 4_096)
  let blocks = columns == 0 ? 0 : (inner + columns - 1) / columns
  let source = x.pointer
  return Tensor([outer, parts, inner]) { out in
    let work = (middle / parts + 1) * columns
    Parallel.forRanges(outer * parts * blocks, grain: max(1, Tuning.parallelGrain / max(1, work))) {
      range in
      for index in range {
        // Many short rows are common, and two divisions would cost more than adding one up.
        let (line, start) = blocks == 1 ? (index, 0) : (index / blocks, index % blocks * columns)
        let (o, part) = parts == 1 ? (line, 0) : (line / parts, line % parts)
        let rows =
          parts == 1 ? 0..<middle : (middle * part / parts)..<(middle * (part + 1) / parts)
        reduction.reduce(
          source + (o * middle + rows.lowerBound) * inner + start, rows: rows.count, stride: inner,
          columns: min(columns, inner - start), into: out + line * inner + start)
      }
    }
  }
}

/// The larger of two; NaN if either is NaN.
@inline(__always)
func larger(_ a: Float, _ b: Float) -> Float { a > b || a != a ? a : b }

/// The smaller of two; NaN if either is NaN.
@inline(__always)
func smaller(_ a: Float, _ b: Float) -> Float { a < b || a != a ? a : b }

/// How the numbers along an axis become one.
enum Reduction {
  case sum, largest, smallest

  /// out[c] = the reduction over r of x[r · stride + c].
  ///
  /// The functions are named here, inside each thread's work, so that the compiler inlines them.
  fileprivate func reduce(
    _ x: UnsafePointer<Float>, rows: Int, stride: Int, columns: Int,
    into out: UnsafeMutablePointer<Float>
  ) {
    switch self {
    case .sum:
      reducedBlock(x, rows, stride, columns, into: out, from: 0, +)
    case .largest:
      reducedBlock(x, rows, stride, columns, into: out, from: -.infinity, larger)
    case .smallest:
      reducedBlock(x, rows, stride, columns, into: out, from: .infinity, smaller)
    }
  }
}

@inline(__always)
private func reducedBlock(
  _ x: UnsafePointer<Float>, _ rows: Int, _ stride: Int, _ columns: Int,
  into out: UnsafeMutablePointer<Float>, from initial: Float, _ combine: (Float, Float) -> Float
) {
  if stride == 1 {
    out[0] = reducedRow(x, count: rows, from: initial, combine)
    return
  }
  for column in 0..<columns { out[column] = initial }
  for row in 0..<rows {
    let values = x + row * stride
    for column in 0..<columns { out[column] = combine(out[column], values[column]) }
  }
}

/// Sixteen running results side by side, which vectorises and rounds less than one would.
@inline(__always)
func reducedRow(
  _ x: UnsafePointer<Float>, count: Int, from initial: Float, _ combine: (Float, Float) -> Float
) -> Float {
  var result = initial
  let whole = count & ~15
  if whole > 0 {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 16) { lanes in
      for lane in 0..<16 { lanes[lane] = initial }
      for start in stride(from: 0, to: whole, by: 16) {
        for lane in 0..<16 { lanes[lane] = combine(lanes[lane], x[start + lane]) }
      }
      for lane in 0..<16 { result = combine(result, lanes[lane]) }
    }
  }
  for index in whole..<count { result = combine(result, x[index]) }
  return result
}

/// The index of the largest entry of each row of `x`, seen as [rows, columns]; the first of equals,
/// or the first NaN.
func argmaxOfRows(_ x: Tensor, columns: Int) -> [Int] {
  defer { extendLifetime(x.storage) }
  let source = x.pointer
  return (0..<(columns == 0 ? 0 : x.elementCount / columns)).map { row in
    let values = source + row * columns
    var best = 0
    // Neither a larger number nor NaN is at most the best, and nothing is at most NaN.
    for column in 1..<max(1, columns) where !(values[column] <= values[best]) {
      if values[best].isNaN { break }
      best = column
    }
    return best
  }
}

/// The `count` largest entries of each row of `x`, seen as [rows, columns], in descending order, NaN
/// first.
///
/// Equal values come in order of their index.
func topOfRows(_ x: Tensor, columns: Int, count: Int) -> [(indices: [Int], values: [Float])] {
  defer { extendLifetime(x.storage) }
  let source = x.pointer
  let rows = columns == 0 ? 0 : x.elementCount / columns
  return Array(unsafeUninitializedCapacity: rows) { results, initialized in
    let base = results.baseAddress
    Parallel.forRanges(rows, grain: max(1, Tuning.parallelGrain / 4 / max(1, columns))) { range in
      for row in range {
        let numbers = UnsafeBufferPointer(start: source + row * columns, count: columns)
        base.map { ($0 + row).initialize(to: topK(numbers, count)) }
      }
    }
    initialized = rows
  }
}

/// One row's largest, by insertion into a sorted list: a new entry rarely gets in.
private func topK(_ row: UnsafeBufferPointer<Float>, _ count: Int) -> (
  indices: [Int], values: [Float]
) {
  var indices: [Int] = []
  var values: [Float] = []
  indices.reserveCapacity(count + 1)
  values.reserveCapacity(count + 1)
  for (index, value) in row.enumerated() {
    if values.count == count, let last = values.last, !isAbove(value, last) { continue }
    var position = values.count
    while position > 0, isAbove(value, values[position - 1]) { position -= 1 }
    values.insert(value, at: position)
    indices.insert(index, at: position)
    if values.count > count {
      values.removeLast()
      indices.removeLast()
    }
  }
  return (indices, values)
}

/// a > b, where NaN is larger than all numbers.
@inline(__always)
private func isAbove(_ a: Float, _ b: Float) -> Bool { a > b || (a.isNaN && !b.isNaN) }
