/// Reduces `x` over `axes` (sorted, counted from the front), which stay as size 1.
@inline(__always)
func reduced(
  _ x: Tensor, over axes: [Int], from initial: Float, _ combine: (Float, Float) -> Float
) -> Tensor {
  var result = x
  // Neighbouring axes go in one pass, the last ones first.
  var rest = axes[...]
  while let last = rest.popLast() {
    var first = last
    while rest.last == first - 1 {
      rest.removeLast()
      first -= 1
    }
    result = reducedMiddle(result, axes: first..<last + 1, from: initial, combine)
  }
  return result
}

/// out[o, i] = combine over m of x[o, m, i], for x seen as [outer, middle, inner].
@inline(__always)
private func reducedMiddle(
  _ x: Tensor, axes: Range<Int>, from initial: Float, _ combine: (Float, Float) -> Float
) -> Tensor {
  defer { extendLifetime(x.storage) }
  let outer = x.shape.elementCount(0..<axes.lowerBound)
  let middle = x.shape.elementCount(axes)
  let inner = x.shape.elementCount(axes.upperBound..<x.rank)
  let shape = x.shape.reduced(over: Array(axes), keepingAxes: true)
  let source = x.pointer
  if inner == 1 {
    return Tensor(shape) { out in
      Parallel.forRanges(outer, grain: max(1, parallelGrain / max(1, middle))) { range in
        for o in range {
          out[o] = reducedRow(source + o * middle, count: middle, from: initial, combine)
        }
      }
    }
  }
  return Tensor(shape) { out in
    // Blocks of columns when there is one outer entry, so that column sums use all threads too.
    let columns = max(16, (inner + Threads.count - 1) / Threads.count)
    let blocks = (inner + columns - 1) / columns
    Parallel.forRanges(outer * blocks, grain: max(1, parallelGrain / (middle * columns + 1))) {
      range in
      for part in range {
        let (o, start) = (part / blocks, part % blocks * columns)
        reducedColumns(
          source + o * middle * inner + start, rows: middle, stride: inner,
          columns: min(columns, inner - start), into: out + o * inner + start, from: initial,
          combine)
      }
    }
  }
}

@inline(__always)
private func reducedColumns(
  _ x: UnsafePointer<Float>, rows: Int, stride: Int, columns: Int,
  into out: UnsafeMutablePointer<Float>, from initial: Float, _ combine: (Float, Float) -> Float
) {
  for column in 0..<columns { out[column] = initial }
  for row in 0..<rows {
    let values = x + row * stride
    for column in 0..<columns { out[column] = combine(out[column], values[column]) }
  }
}

/// Sixteen running results side by side, which vectorises and rounds less than one would.
@inline(__always)
private func reducedRow(
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

/// The index of the largest entry of each row of `x`, seen as [rows, columns]; the first of equals.
func argmaxOfRows(_ x: Tensor, columns: Int) -> [Int] {
  defer { extendLifetime(x.storage) }
  let source = x.pointer
  return (0..<(columns == 0 ? 0 : x.elementCount / columns)).map { row in
    let values = source + row * columns
    var best = 0
    for column in 1..<max(1, columns) where values[column] > values[best] { best = column }
    return best
  }
}

/// The `count` largest entries of each row of `x`, seen as [rows, columns], in descending order.
///
/// Equal values come in order of their index.
func topOfRows(_ x: Tensor, columns: Int, count: Int) -> [(indices: [Int], values: [Float])] {
  defer { extendLifetime(x.storage) }
  let source = x.pointer
  let rows = columns == 0 ? 0 : x.elementCount / columns
  return Array(unsafeUninitializedCapacity: rows) { results, initialized in
    let base = results.baseAddress
    Parallel.forRanges(rows, grain: max(1, parallelGrain / 4 / max(1, columns))) { range in
      for row in range {
        let top = top(UnsafeBufferPointer(start: source + row * columns, count: columns), count)
        base.map { ($0 + row).initialize(to: top) }
      }
    }
    initialized = rows
  }
}

/// One row's largest, by insertion into a sorted list: a new entry rarely gets in.
private func top(_ row: UnsafeBufferPointer<Float>, _ count: Int) -> (
  indices: [Int], values: [Float]
) {
  var indices: [Int] = []
  var values: [Float] = []
  indices.reserveCapacity(count + 1)
  values.reserveCapacity(count + 1)
  for (index, value) in row.enumerated() {
    if values.count == count, let last = values.last, value <= last { continue }
    var position = values.count
    while position > 0, values[position - 1] < value { position -= 1 }
    values.insert(value, at: position)
    indices.insert(index, at: position)
    if values.count > count {
      values.removeLast()
      indices.removeLast()
    }
  }
  return (indices, values)
}
