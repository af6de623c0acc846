import Tensor

/// The slow, plain counterpart of `Tensor` in double precision that operations are checked against.
struct Twin: Sendable {
  let shape: [Int]
  var values: [Double]

  /// An array whose entry at each index is what `value` gives.
  init(_ shape: [Int], _ value: (_ index: [Int]) -> Double) {
    self.shape = shape
    self.values = []
    self.values.reserveCapacity(shape.reduce(1, *))
    Twin.forEachIndex(of: shape) { self.values.append(value($0)) }
  }

  init(_ shape: [Int], values: [Double]) {
    precondition(values.count == shape.reduce(1, *))
    self.shape = shape
    self.values = values
  }

  init(_ tensor: Tensor) {
    self.init(tensor.shape.dimensions, values: tensor.scalars.map(Double.init))
  }

  var rank: Int { shape.count }

  /// The entry at `index`, which may have more axes in front; axes of size 1 repeat.
  subscript(index: [Int]) -> Double { values[position(of: index)] }

  func position(of index: [Int]) -> Int { Twin.position(of: index, in: shape) }

  static func position(of index: [Int], in shape: [Int]) -> Int {
    Swift.zip(shape, index.suffix(shape.count)).reduce(0) { position, axis in
      position * axis.0 + (axis.0 == 1 ? 0 : axis.1)
    }
  }

  /// Calls `body` with every index of `shape` in row-major order.
  static func forEachIndex(of shape: [Int], _ body: (_ index: [Int]) -> Void) {
    var index = [Int](repeating: 0, count: shape.count)
    for _ in 0..<shape.reduce(1, *) {
      body(index)
      for axis in shape.indices.reversed() {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
      }
    }
  }

  /// The shape that both repeat to.
  static func broadcast(_ a: [Int], _ b: [Int]) -> [Int] {
    let rank = max(a.count, b.count)
    let first = [Int](repeating: 1, count: rank - a.count) + a
    let second = [Int](repeating: 1, count: rank - b.count) + b
    return Swift.zip(first, second).map { $0 == 1 ? $1 : $0 }
  }
}

// MARK: - Building blocks

extension Twin {
  func map(_ function: (Double) -> Double) -> Twin { Twin(shape, values: values.map(function)) }

  static func zip(_ a: Twin, _ b: Twin, _ function: (Double, Double) -> Double) -> Twin {
    a.shape == b.shape
      ? Twin(a.shape, values: Swift.zip(a.values, b.values).map(function))
      : Twin(broadcast(a.shape, b.shape)) { function(a[$0], b[$0]) }
  }

  func reshaped(_ shape: [Int]) -> Twin { Twin(shape, values: values) }

  /// The values that share all indices but those of `axes`, in row-major order.
  func reduced(
    _ axes: [Int], keepingAxes: Bool, _ function: (_ values: [Double]) -> Double
  ) -> Twin {
    let axes = axes.isEmpty ? Array(0..<rank) : axes.map { $0 < 0 ? $0 + rank : $0 }
    let kept = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
    var lists = [[Double]](repeating: [], count: kept.reduce(1, *))
    let target = Twin(kept, values: [Double](repeating: 0, count: lists.count))
    Twin.forEachIndex(of: shape) { lists[target.position(of: $0)].append(self[$0]) }
    let shorter = shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
    return Twin(keepingAxes ? kept : shorter, values: lists.map(function))
  }

  /// Each vector along `axis` replaced by what `function` makes of it.
  func alongAxis(_ axis: Int, _ function: (_ vector: [Double]) -> [Double]) -> Twin {
    let axis = axis < 0 ? axis + rank : axis
    var result = self
    Twin.forEachIndex(of: shape) { index in
      guard index[axis] == 0 else { return }
      let positions = (0..<shape[axis]).map { entry in
        var index = index
        index[axis] = entry
        return position(of: index)
      }
      for (position, value) in Swift.zip(positions, function(positions.map { values[$0] })) {
        result.values[position] = value
      }
    }
    return result
  }
}
