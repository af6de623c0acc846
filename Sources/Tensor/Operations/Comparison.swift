// Comparisons give tensors of ones and zeros and have no gradient.

/// One where `a` is greater than `b`, else zero.
public func .> (a: Tensor, b: Tensor) -> Tensor { zipped(a, b) { $0.each { $0 > $1 ? 1 : 0 } } }

/// One where `a` is less than `b`, else zero.
public func .< (a: Tensor, b: Tensor) -> Tensor { zipped(a, b) { $0.each { $0 < $1 ? 1 : 0 } } }

/// One where `a` is at least `b`, else zero.
public func .>= (a: Tensor, b: Tensor) -> Tensor { zipped(a, b) { $0.each { $0 >= $1 ? 1 : 0 } } }

/// One where `a` is at most `b`, else zero.
public func .<= (a: Tensor, b: Tensor) -> Tensor { zipped(a, b) { $0.each { $0 <= $1 ? 1 : 0 } } }

/// One where `a` equals `b`, else zero.
public func .== (a: Tensor, b: Tensor) -> Tensor { zipped(a, b) { $0.each { $0 == $1 ? 1 : 0 } } }

/// One where `a` is greater than `b`, else zero.
public func .> (a: Tensor, b: Float) -> Tensor { mapped(a) { $0.each { $0 > b ? 1 : 0 } } }

/// One where `a` is less than `b`, else zero.
public func .< (a: Tensor, b: Float) -> Tensor { mapped(a) { $0.each { $0 < b ? 1 : 0 } } }

extension Tensor {
  /// The smallest and the largest element; both NaN if one is.
  package var extremes: (least: Float, largest: Float) {
    let all = detached
    return elementCount == 0 ? (0, 0) : (all.min().item, all.max().item)
  }

  /// Whether every element is a finite number.
  package var isFinite: Bool {
    let (least, largest) = extremes
    return least.isFinite && largest.isFinite
  }
}

/// Elements of `a` where `mask` is not zero, elements of `b` elsewhere; all three broadcast.
///
/// No gradient flows to the mask.
public func select(_ mask: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
  let isOn = mapped(mask) { $0.each { $0 != 0 ? 1 : 0 } }
  let shape = isOn.shape.broadcast(with: a.shape, operation: "select").broadcast(
    with: b.shape, operation: "select")
  let whole = isOn.broadcastWithoutRecord(to: shape)
  // Twice a selection of one side, so that an infinity on the other side cannot make a NaN.
  let first = zipped(whole, a) { $0.each { $0 != 0 ? $1 : 0 } }
  let value = zipped(first, zipped(whole, b) { $0.each { $0 != 0 ? 0 : $1 } }) { $0.each(+) }
  return value.recorded(from: [a, b]) { gradient, wanted in
    [
      wanted[0]
        ? zipped(gradient, whole) { $0.each { $1 != 0 ? $0 : 0 } }.summed(to: a.shape) : nil,
      wanted[1]
        ? zipped(gradient, whole) { $0.each { $1 != 0 ? 0 : $0 } }.summed(to: b.shape) : nil,
    ]
  }
}

extension Tensor {
  func broadcastWithoutRecord(to shape: TensorShape) -> Tensor {
    self.shape == shape ? self : zipped(self, .zeros(shape)) { $0.each { first, _ in first } }
  }
}
