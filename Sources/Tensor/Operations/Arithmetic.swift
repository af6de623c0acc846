extension Tensor {
  /// This gradient summed over the axes along which a tensor of `shape` was repeated.
  func summed(to shape: TensorShape) -> Tensor {
    if self.shape == shape { return self }
    let sizes = shape.padded(toRank: rank)
    let repeated = (0..<rank).filter { sizes[$0] == 1 && self.shape[$0] != 1 }
    return reduced(self, over: repeated, .sum).reshapedWithoutRecord(shape)
  }

  func reshapedWithoutRecord(_ shape: TensorShape) -> Tensor {
    Tensor(storage: storage, offset: offset, shape: shape)
  }
}

// MARK: - Two tensors, broadcasting

/// Elementwise sum; sizes agree or are 1, from the last axis on.
public func + (a: Tensor, b: Tensor) -> Tensor {
  zipped(a, b) { $0.each(+) }.recorded(from: [a, b], as: .binary(.add)) {
    [shapes = (a.shape, b.shape)] gradient, wanted in
    [
      wanted[0] ? gradient.summed(to: shapes.0) : nil,
      wanted[1] ? gradient.summed(to: shapes.1) : nil,
    ]
  }
}

/// Elementwise difference; sizes agree or are 1, from the last axis on.
public func - (a: Tensor, b: Tensor) -> Tensor {
  zipped(a, b) { $0.each(-) }.recorded(from: [a, b], as: .binary(.subtract)) {
    [shapes = (a.shape, b.shape)] gradient, wanted in
    [
      wanted[0] ? gradient.summed(to: shapes.0) : nil,
      wanted[1] ? (-gradient).summed(to: shapes.1) : nil,
    ]
  }
}

/// Elementwise product; sizes agree or are 1, from the last axis on.
public func * (a: Tensor, b: Tensor) -> Tensor {
  zipped(a, b) { $0.each(*) }.recorded(from: [a, b], as: .binary(.multiply)) { gradient, wanted in
    [
      wanted[0] ? (gradient * b).summed(to: a.shape) : nil,  // da = g · b
      wanted[1] ? (gradient * a).summed(to: b.shape) : nil,  // db = g · a
    ]
  }
}

/// Elementwise quotient; sizes agree or are 1, from the last axis on.
public func / (a: Tensor, b: Tensor) -> Tensor {
  let y = zipped(a, b) { $0.each(/) }
  return y.recorded(from: [a, b], as: .binary(.divide)) { gradient, wanted in
    [
      wanted[0] ? (gradient / b).summed(to: a.shape) : nil,  // da = g / b
      wanted[1] ? (-gradient * y / b).summed(to: b.shape) : nil,  // db = -g · y / b
    ]
  }
}

/// The elementwise maximum; NaN if either is NaN. Ties and NaN split the gradient.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor {
  zipped(a, b) { $0.each(larger) }.recorded(from: [a, b], as: .binary(.maximum)) {
    gradient, wanted in
    [
      wanted[0] ? (gradient * zipped(a, b) { $0.each(shareOfLarger) }).summed(to: a.shape) : nil,
      wanted[1] ? (gradient * zipped(b, a) { $0.each(shareOfLarger) }).summed(to: b.shape) : nil,
    ]
  }
}

/// The elementwise minimum; NaN if either is NaN. Ties and NaN split the gradient.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor {
  zipped(a, b) { $0.each(smaller) }.recorded(from: [a, b], as: .binary(.minimum)) {
    gradient, wanted in
    [
      wanted[0] ? (gradient * zipped(b, a) { $0.each(shareOfLarger) }).summed(to: a.shape) : nil,
      wanted[1] ? (gradient * zipped(a, b) { $0.each(shareOfLarger) }).summed(to: b.shape) : nil,
    ]
  }
}

private func shareOfLarger(_ a: Float, _ b: Float) -> Float { a > b ? 1 : a < b ? 0 : 0.5 }

// MARK: - A tensor and a number

/// The tensor with `b` added to every element.
public func + (a: Tensor, b: Float) -> Tensor {
  mapped(a) { $0.each { $0 + b } }.recorded(
    from: [a], as: .binaryWithNumber(.add, b, isFirst: false)
  ) { gradient, _ in [gradient] }
}

/// The tensor with `a` added to every element.
public func + (a: Float, b: Tensor) -> Tensor { b + a }

/// The tensor with `b` subtracted from every element.
public func - (a: Tensor, b: Float) -> Tensor { a + -b }

/// `a` minus every element.
public func - (a: Float, b: Tensor) -> Tensor {
  mapped(b) { $0.each { a - $0 } }.recorded(
    from: [b], as: .binaryWithNumber(.subtract, a, isFirst: true)
  ) { gradient, _ in [-gradient] }
}

/// The tensor with every element multiplied by `b`.
public func * (a: Tensor, b: Float) -> Tensor {
  mapped(a) { $0.each { $0 * b } }.recorded(
    from: [a], as: .binaryWithNumber(.multiply, b, isFirst: false)
  ) { gradient, _ in [gradient * b] }
}

/// The tensor with every element multiplied by `a`.
public func * (a: Float, b: Tensor) -> Tensor { b * a }

/// The tensor with every element divided by `b`.
public func / (a: Tensor, b: Float) -> Tensor {
  mapped(a) { $0.each { $0 / b } }.recorded(
    from: [a], as: .binaryWithNumber(.divide, b, isFirst: false)
  ) { gradient, _ in [gradient / b] }
}

/// `a` divided by every element.
public func / (a: Float, b: Tensor) -> Tensor {
  let y = mapped(b) { $0.each { a / $0 } }
  return y.recorded(from: [b], as: .binaryWithNumber(.divide, a, isFirst: true)) { gradient, _ in
    [-gradient * y / b]  // -g · a / b²
  }
}

/// The tensor with every sign turned.
public prefix func - (x: Tensor) -> Tensor {
  mapped(x) { $0.each { -$0 } }.recorded(from: [x], as: .elementwise(.negate)) { gradient, _ in
    [-gradient]
  }
}
