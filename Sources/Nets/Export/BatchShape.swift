import Tensor

/// A shape some of whose sizes grow with the batch.
struct BatchShape: Equatable {
  enum Size: Equatable {
    /// The same for every batch.
    case fixed(Int)
    /// So many times the number of inputs.
    case batches(Int)
  }

  let sizes: [Size]

  init(_ sizes: [Size]) { self.sizes = sizes }

  /// What gives these shapes for batches of two and of three; nil if a size grows in another way.
  init?(ofTwo: TensorShape, ofThree: TensorShape) {
    guard ofTwo.rank == ofThree.rank else { return nil }
    var sizes: [Size] = []
    for (two, three) in zip(ofTwo, ofThree) {
      if two == three {
        sizes.append(.fixed(two))
      } else if 3 * two == 2 * three {
        sizes.append(.batches(two / 2))
      } else {
        return nil
      }
    }
    self.sizes = sizes
  }

  var rank: Int { sizes.count }

  /// Whether more than one size grows with the batch.
  var growsTwice: Bool { sizes.count { if case .batches = $0 { true } else { false } } > 1 }

  /// The sizes that a reshape takes, where -1 is inferred: at most one may grow.
  var reshapeTarget: [Int] {
    sizes.map { size in
      switch size {
      case .fixed(let count): count
      case .batches: -1
      }
    }
  }

  /// The sizes with their axes in another order.
  func permuted(_ order: [Int]) -> BatchShape { BatchShape(order.map { sizes[$0] }) }

  /// The shape with axes of size 1 in front, up to a rank.
  func padded(toRank rank: Int) -> BatchShape {
    BatchShape([Size](repeating: .fixed(1), count: max(0, rank - self.rank)) + sizes)
  }
}
