// Comparisons give tensors of ones and zeros and have no gradient.

/// One where `a` is greater than `b`, else zero.
public func .> (a: Tensor, b: Tensor) -> Tensor {
  zipped(a, b) { $0.each { $0 > $1 ? 1 : 0 } }.traced(from: [a, b], as: .binary(.greater))
}

/// One where `a` is less than `b`, else zero.
public func .< (a: Tensor, b: Tensor) -> Tensor {
  zipped(a, b) { $0.each { $0 < $1 ? 1 : 0 } }.traced(from: [a, b], as: .binary(.less))
}

/// One where `a` is at least `b`, else zero.
public func .>= (a: Tensor, b: Tensor) -> Tensor {
  zipped(a, b) { $0.each { $0 >= $1 ? 1 : 0 } }.traced(from: [a, b], as: .binary(.greaterOrEqual))
}

/// One where `a` is at most `b`, else zero.
public func .<= (a: Tensor, b: Tensor) -> Tensor {
  zipped(a, b) { $0.each { $0 <= $1 ? 1 : 0 } }.traced(from: [a, b], as: .binary(.lessOrEqual))
}

/// One where `a` equals `b`, else zero.
public func .== (a: Tensor, b: Tensor) -> Tensor {
  zipped(a, b) { $0.each { $0 == $1 ? 1 : 0 } }.traced(from: [a, b], as: .binary(.equal))
}

/// One where `a` is greater than `b`, else zero.
public func .> (a: Tensor, b: Float) -> Tensor {
  mapped(a) { $0.each { $0 > b ? 1 : 0 } }
    .traced(from: [a], as: .binaryWithNumber(.greater, b, isFirst: false))
}

/// One where `a` is less than `b`, else zero.
public func .< (a: Tensor, b: Float) -> Tensor {
  mapped(a) { $0.each { $0 < b ? 1 : 0 } }
    .traced(from: [a], as: .binaryWithNumber(.less, b, isFirst: false))
}

extension Tensor {
  /// The smallest and the largest element, both NaN if an element is not finite; zeros of none.
  ///
  /// One pass on the calling thread.
  package var extremes: (least: Float, largest: Float) {
    guard elementCount > 0 else { return (0, 0) }
    return withUnsafeBufferPointer { values in
      var (least, largest) = (SIMD8(repeating: values[0]), SIMD8(repeating: values[0]))
      var zeros = SIMD8<Float>.zero
      func look(_ lanes: SIMD8<Float>) {
        least.replace(with: lanes, where: lanes .< least)
        largest.replace(with: lanes, where: lanes .> largest)
        zeros += lanes * 0  // NaN from the first number on that is not finite.
      }
      let raw = UnsafeRawBufferPointer(values)
      let size = MemoryLayout<SIMD8<Float>>.size
      for start in stride(from: 0, to: raw.count - size + 1, by: size) {
        look(raw.loadUnaligned(fromByteOffset: start, as: SIMD8<Float>.self))
      }
      for value in values.suffix(values.count % 8) { look(SIMD8(repeating: value)) }
      return zeros.sum().isNaN ? (.nan, .nan) : (least.min(), largest.max())
    }
  }

  /// Whether every element is a finite number.
  package var isFinite: Bool { !extremes.least.isNaN }
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
  }.traced(from: [mask, a, b], as: .select)
}

extension Tensor {
  func broadcastWithoutRecord(to shape: TensorShape) -> Tensor {
    self.shape == shape ? self : zipped(self, .zeros(shape)) { $0.each { first, _ in first } }
  }
}
