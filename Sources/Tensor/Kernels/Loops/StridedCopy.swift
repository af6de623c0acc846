/// A copy of `x` with its axes in the order `order`.
func permutedCopy(_ x: Tensor, _ order: [Int]) -> Tensor {
  let strides = x.shape.strides
  return stridedCopy(
    of: x, from: 0, strides: order.map { strides[$0] },
    shape: TensorShape(order.map { x.shape[$0] }))
}

/// A copy of `x` with `axes` reversed.
func flippedCopy(_ x: Tensor, _ axes: [Int]) -> Tensor {
  var strides = x.shape.strides
  var start = 0
  for axis in axes where x.shape[axis] > 0 {
    start += (x.shape[axis] - 1) * strides[axis]
    strides[axis] = -strides[axis]
  }
  return stridedCopy(of: x, from: start, strides: strides, shape: x.shape)
}

/// A copy of the block of `shape` in `x` that begins at `starts`.
func croppedCopy(of x: Tensor, at starts: [Int], shape: TensorShape) -> Tensor {
  let strides = x.shape.strides
  let start = zip(starts, strides).reduce(0) { $0 + $1.0 * $1.1 }
  return stridedCopy(of: x, from: start, strides: strides, shape: shape)
}

/// out[i…] = x[start + Σ i · stride]
private func stridedCopy(of x: Tensor, from start: Int, strides: [Int], shape: TensorShape)
  -> Tensor
{
  defer { extendLifetime(x.storage) }
  let source = x.pointer + start
  let plan = StridedRows(shape: shape, strides: strides)
  return Tensor(shape) { out in
    Parallel.forRanges(plan.rowCount, grain: max(1, Tuning.parallelGrain / max(1, plan.rowLength)))
    {
      rows in
      plan.forEachRow(in: rows) { row, offset in
        copyStrided(
          source + offset, stride: plan.rowStride, to: out + row * plan.rowLength,
          count: plan.rowLength)
      }
    }
  }
}

@inline(__always)
private func copyStrided(
  _ source: UnsafePointer<Float>, stride: Int, to out: UnsafeMutablePointer<Float>, count: Int
) {
  if stride == 1 {
    out.update(from: source, count: count)
  } else {
    for index in 0..<count { out[index] = source[index * stride] }
  }
}

/// `target` with `x` written over the block that begins at `starts`.
func pastedCopy(of x: Tensor, at starts: [Int], into target: consuming Tensor) -> Tensor {
  defer { extendLifetime(x.storage) }
  let strides = target.shape.strides
  let start = zip(starts, strides).reduce(0) { $0 + $1.0 * $1.1 }
  let plan = StridedRows(shape: x.shape, strides: strides)
  let source = x.pointer
  target.mutate { out in
    Parallel.forRanges(plan.rowCount, grain: max(1, Tuning.parallelGrain / max(1, plan.rowLength)))
    {
      rows in
      plan.forEachRow(in: rows) { row, offset in
        (out + start + offset).update(from: source + row * plan.rowLength, count: plan.rowLength)
      }
    }
  }
  return target
}

/// The rows of a shape along its last axis and where each begins in strided memory.
struct StridedRows {
  let rowLength: Int
  let rowStride: Int
  let rowCount: Int
  private let sizes: [Int]
  private let strides: [Int]

  init(shape: TensorShape, strides: [Int]) {
    rowLength = shape.last ?? 1
    rowStride = strides.last ?? 1
    sizes = Array(shape.dimensions.dropLast())
    self.strides = Array(strides.dropLast())
    rowCount = rowLength == 0 ? 0 : sizes.reduce(1, *)
  }

  @inline(__always)
  func forEachRow(in rows: Range<Int>, _ body: (_ row: Int, _ offset: Int) -> Void) {
    for row in rows {
      var (rest, offset) = (row, 0)
      for axis in sizes.indices.reversed() {
        offset += rest % sizes[axis] * strides[axis]
        rest /= sizes[axis]
      }
      body(row, offset)
    }
  }
}

/// Entries `indices` of `x` along the first axis.
func gatheredRows(_ x: Tensor, _ indices: [Int]) -> Tensor {
  defer { extendLifetime(x.storage) }
  let length = x.shape.elementCount(1..<x.rank)
  let source = x.pointer
  return Tensor(TensorShape([indices.count] + x.shape.dimensions.dropFirst())) { out in
    for (row, index) in indices.enumerated() {
      (out + row * length).update(from: source + index * length, count: length)
    }
  }
}

/// Zeros of `shape` with the rows of `x` added to entries `indices`.
func scatteredRows(_ x: Tensor, _ indices: [Int], into shape: TensorShape) -> Tensor {
  defer { extendLifetime(x.storage) }
  let length = shape.elementCount(1..<shape.rank)
  let source = x.pointer
  return Tensor(shape) { out in
    fill(out, count: shape.elementCount, with: 0)
    for (row, index) in indices.enumerated() {
      let (values, target) = (source + row * length, out + index * length)
      for column in 0..<length { target[column] += values[column] }
    }
  }
}

/// The tensors one after the other along `axis`.
func joinedCopy(_ tensors: [Tensor], axis: Int, shape: TensorShape) -> Tensor {
  let outer = shape.elementCount(0..<axis)
  let stride = shape.elementCount(axis..<shape.rank)
  return Tensor(shape) { out in
    var start = 0
    for tensor in tensors {
      defer { extendLifetime(tensor.storage) }
      let source = tensor.pointer
      let (length, begin) = (tensor.shape.elementCount(axis..<shape.rank), start)
      Parallel.forRanges(outer, grain: max(1, Tuning.parallelGrain / max(1, length))) { range in
        for row in range {
          (out + row * stride + begin).update(from: source + row * length, count: length)
        }
      }
      start += length
    }
  }
}
