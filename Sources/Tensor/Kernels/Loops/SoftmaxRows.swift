import Foundation

/// log softmax of each row of `x`, seen as [rows, columns of the last axis].
func logSoftmaxRows(_ x: Tensor) -> Tensor {
  defer { extendLifetime(x.storage) }
  let (source, columns) = (x.pointer, x.shape[x.rank - 1])
  return Tensor(x.shape) { out in
    Parallel.forRanges(
      columns == 0 ? 0 : x.elementCount / columns,
      grain: max(1, Tuning.parallelGrain / 8 / max(1, columns))
    ) { rows in
      for row in rows {
        let (values, result) = (source + row * columns, out + row * columns)
        let peak = reducedRow(values, count: columns, from: -.infinity) { $0 > $1 ? $0 : $1 }
        // A row of infinities has no shift that helps; torch gives NaN for it too.
        for column in 0..<columns { result[column] = expf(values[column] - peak) }
        let total = reducedRow(result, count: columns, from: 0, +)
        // The peak goes first: a large one plus the logarithm would round the logarithm away.
        let level = logf(total)
        for column in 0..<columns { result[column] = values[column] - peak - level }
      }
    }
  }
}
