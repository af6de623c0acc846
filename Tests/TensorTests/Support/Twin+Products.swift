import Foundation

extension Twin {
  /// The last two axes exchanged.
  func transposed() -> Twin {
    Twin(shape.dropLast(2) + [shape[rank - 1], shape[rank - 2]]) { index in
      self[index.dropLast(2) + [index[index.count - 1], index[index.count - 2]]]
    }
  }

  /// The product of [..., m, k] and [..., k, n], whose leading axes broadcast.
  static func matmul(_ a: Twin, _ b: Twin) -> Twin {
    let leading = broadcast(Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
    let (m, inner, n) = (a.shape[a.rank - 2], a.shape[a.rank - 1], b.shape[b.rank - 1])
    return Twin(leading + [m, n]) { index in
      let batch = Array(index.dropLast(2))
      let (row, column) = (index[index.count - 2], index[index.count - 1])
      return (0..<inner).reduce(0) { sum, entry in
        sum + a.matrixEntry(batch, row, entry) * b.matrixEntry(batch, entry, column)
      }
    }
  }

  /// The entry of one matrix of a batch; unlike a subscript it repeats the batch axes alone.
  private func matrixEntry(_ batch: [Int], _ row: Int, _ column: Int) -> Double {
    let matrix = Twin.position(of: batch, in: Array(shape.dropLast(2)))
    return values[(matrix * shape[rank - 2] + row) * shape[rank - 1] + column]
  }

  /// x · Wᵀ + b.
  static func linear(_ x: Twin, _ weight: Twin, bias: Twin?) -> Twin {
    Twin(x.shape.dropLast() + [weight.shape[0]]) { index in
      let output = index[index.count - 1]
      return (0..<weight.shape[1]).reduce(bias?.values[output] ?? 0) { sum, input in
        sum + x[index.dropLast() + [input]] * weight[[output, input]]
      }
    }
  }

  /// softmax(Q · Kᵀ / √d) · V of each head of projections [count, length, 3 · width].
  func selfAttention(headCount: Int) -> Twin {
    let (count, length, width) = (shape[0], shape[1], shape[2] / 3)
    let size = width / headCount
    return Twin([count, length, width]) { index in
      let (image, query, feature) = (index[0], index[1], index[2])
      let first = feature / size * size
      let weights = (0..<length).map { key in
        let score = (first..<first + size).reduce(0.0) { sum, f in
          sum + self[[image, query, f]] * self[[image, key, width + f]]
        }
        return exp(score / Double(size).squareRoot())
      }
      let total = weights.reduce(0, +)
      return (0..<length).reduce(0.0) { sum, key in
        sum + weights[key] / total * self[[image, key, 2 * width + feature]]
      }
    }
  }
}
