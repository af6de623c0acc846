/// How two shapes line up, with as few axes as describe it.
struct BroadcastPlan {
  let shape: TensorShape
  let rowLength: Int
  let rowStrides: (Int, Int)
  private var outer: [(size: Int, strides: (Int, Int))] = []

  init(_ a: TensorShape, _ b: TensorShape, operation: String) {
    shape = a.broadcast(with: b, operation: operation)
    let (first, second) = (a.broadcastStrides(in: shape), b.broadcastStrides(in: shape))
    var axes: [(size: Int, strides: (Int, Int))] = []
    for (axis, size) in shape.enumerated() where size != 1 {
      let strides = (first[axis], second[axis])
      if let last = axes.last, last.strides == (strides.0 * size, strides.1 * size) {
        axes[axes.count - 1] = (last.size * size, strides)
      } else {
        axes.append((size, strides))
      }
    }
    let row = axes.popLast() ?? (1, (1, 1))
    rowLength = row.size
    rowStrides = row.strides
    outer = axes
  }

  var rowCount: Int { rowLength == 0 ? 0 : outer.reduce(1) { $0 * $1.size } }

  func offsets(ofRow row: Int) -> (Int, Int) {
    var (rest, i, j) = (row, 0, 0)
    for axis in outer.reversed() {
      let position = rest % axis.size
      rest /= axis.size
      i += position * axis.strides.0
      j += position * axis.strides.1
    }
    return (i, j)
  }
}

extension TensorShape {
  /// The shape both shapes repeat to: sizes agree, or one of them is 1, from the last axis on.
  func broadcast(with other: TensorShape, operation: String) -> TensorShape {
    if self == other { return self }
    let rank = Swift.max(self.rank, other.rank)
    let (a, b) = (padded(toRank: rank), other.padded(toRank: rank))
    return TensorShape(
      zip(a, b).map { first, second in
        precondition(
          first == second || first == 1 || second == 1,
          "\(operation) needs shapes that broadcast (sizes equal or 1 from the last axis on); "
            + "got \(self) and \(other)")
        return first == 1 ? second : first
      })
  }

  func padded(toRank rank: Int) -> [Int] {
    Array(repeating: 1, count: rank - self.rank) + dimensions
  }

  /// Strides of this shape within `target`: 0 along repeated axes.
  fileprivate func broadcastStrides(in target: TensorShape) -> [Int] {
    let sizes = TensorShape(padded(toRank: target.rank))
    return zip(sizes, sizes.strides).map { size, stride in size == 1 ? 0 : stride }
  }
}
