/// The rows of all processes behind each other, in the order of their ranks.
///
/// Its gradient at each process's rows is the sum of what all processes' results have there. `x`
/// itself in a process alone.
///
/// - Parameter x: A tensor of shape [own count, …]; counts may differ, other axes may not.
/// - Returns: A tensor of shape [count of all, …].
public func allGather(_ x: Tensor) -> Tensor {
  let group = ProcessGroup.current
  guard !group.isSingle else { return x }
  precondition(x.rank >= 1, "allGather needs rows; got shape \(x.shape)")
  let rows = group.rows(x.shape[0])
  let width = x.shape.elementCount(1..<x.rank)
  let shape = TensorShape([rows.total] + x.shape.dimensions.dropFirst())
  let source = x.detached
  let result = Tensor(shape) { out in
    source.withUnsafeBufferPointer { values in
      group.allGather(
        UnsafeRawBufferPointer(values), counts: rows.counts.map { $0 * width * 4 },
        into: UnsafeMutableRawBufferPointer(start: out, count: rows.total * width * 4))
    }
  }
  return result.recorded(from: [x]) { gradient, _ in
    [group.sum(gradient)[rows.own]]
  }
}

/// The sum of all processes' tensors, which have one shape; its gradient is the sum of theirs.
///
/// A loss that every process computes of it alike counts once for each: a learner weighs each
/// process's loss by its share of the rows.
public func allReduceSum(_ x: Tensor) -> Tensor {
  let group = ProcessGroup.current
  guard !group.isSingle else { return x }
  return group.sum(x.detached).recorded(from: [x]) { gradient, _ in [group.sum(gradient)] }
}

extension ProcessGroup {
  /// The sum of all processes' tensors, without a record.
  func sum(_ x: Tensor) -> Tensor {
    Tensor(x.shape) { out in
      x.withUnsafeBufferPointer {
        _ = UnsafeMutableBufferPointer(start: out, count: $0.count).update(from: $0)
      }
      sum(UnsafeMutableBufferPointer(start: out, count: x.elementCount))
    }
  }
}

/// Which rows of a batch are this process's.
package struct BatchRows: Sendable {
  /// How many rows each process has.
  package let counts: [Int]
  /// Where this process's are among all.
  package let own: Range<Int>
  /// How many there are.
  package let total: Int

  /// This process's share of the rows.
  package var share: Float { Float(own.count) / Float(total) }
}

extension ProcessGroup {
  /// The numbers of all processes behind each other; each may have another count of them.
  package func allGatherRows(_ numbers: [Int]) -> [Int] {
    allGather(numbers, counts: rows(numbers.count).counts, filler: 0)
  }

  /// Where `count` rows of this process are among those of all.
  package func rows(_ count: Int) -> BatchRows {
    guard !isSingle else { return BatchRows(counts: [count], own: 0..<count, total: count) }
    let counts = allGather([count]).map { $0[0] }
    let start = counts[..<rank].reduce(0, +)
    return BatchRows(counts: counts, own: start..<start + count, total: counts.reduce(0, +))
  }
}
