internal import CTensorKernels

/// Normalization of the rows along the last axis, and what its gradient needs.
struct RowNormalization {
  private let x: Tensor
  private let scale: Tensor
  /// The mean and the factor of each row: shape [rows, 2].
  private let statistics: Tensor
  /// (x - mean) / √(variance + epsilon) · scale + bias
  let output: Tensor

  private var columns: Int { x.shape[x.rank - 1] }

  /// Normalizes x[..., columns] without record.
  init(of x: Tensor, scale: Tensor, bias: Tensor, epsilon: Float) {
    defer { extendLifetime((x.storage, scale.storage, bias.storage)) }
    let columns = x.shape[x.rank - 1]
    let rows = columns == 0 ? 0 : x.elementCount / columns
    (self.x, self.scale) = (x.detached, scale.detached)
    var output = Tensor.zeros([0])
    statistics = Tensor([rows, 2]) { statistics in
      output = Tensor(x.shape) { out in
        Parallel.forRanges(rows, grain: max(1, Tuning.parallelGrain / 2 / max(1, columns))) {
          let start = $0.lowerBound
          Self.withStatistics(statistics + 2 * start, $0.count) { found in
            ctk_layer_norm(
              x.pointer + start * columns, found.count, columns, scale.pointer, bias.pointer,
              epsilon, out + start * columns, found.baseAddress)
          }
        }
      }
    }
    self.output = output
  }

  /// The gradients of x, scale and bias.
  func gradients(_ gradient: Tensor) -> (x: Tensor, scale: Tensor, bias: Tensor) {
    defer {
      extendLifetime((x.storage, scale.storage, statistics.storage, gradient.storage))
    }
    let (columns, rows) = (columns, statistics.shape[0])
    let parts = Parts.ofSum(over: rows, least: 8, size: 2 * columns, reading: rows * columns)
    var dx = Tensor.zeros([0])
    let sums = Tensor([parts, 2, columns]) { sums in
      sums.update(repeating: 0, count: parts * 2 * columns)
      dx = Tensor(x.shape) { out in
        Parallel.forEach(parts) { part in
          let (start, end) = (rows * part / parts, rows * (part + 1) / parts)
          let found = UnsafeMutablePointer(mutating: statistics.pointer + 2 * start)
          Self.withStatistics(found, end - start) { found in
            ctk_layer_norm_gradient(
              gradient.pointer + start * columns, x.pointer + start * columns, end - start, columns,
              scale.pointer, found.baseAddress, out + start * columns, sums + part * 2 * columns)
          }
        }
      }
    }
    let total = reduced(sums, over: [0], .sum).reshaped([2, columns])
    return (dx, total[0], total[1])
  }

  /// Pairs of floats as what C calls them.
  private static func withStatistics(
    _ floats: UnsafeMutablePointer<Float>, _ count: Int,
    _ body: (UnsafeMutableBufferPointer<CTKRowStatistics>) -> Void
  ) {
    floats.withMemoryRebound(to: CTKRowStatistics.self, capacity: count) {
      body(UnsafeMutableBufferPointer(start: $0, count: count))
    }
  }
}
