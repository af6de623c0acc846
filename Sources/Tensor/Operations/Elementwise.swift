import Foundation

/// e to the power of every element.
public func exp(_ x: Tensor) -> Tensor {
  let y = mapped(x) { $0.each { expf($0) } }
  return y.recorded(from: [x], as: .elementwise(.exp)) { gradient, _ in [gradient * y] }
}

/// The natural logarithm of every element.
public func log(_ x: Tensor) -> Tensor {
  mapped(x) { $0.each { logf($0) } }.recorded(from: [x], as: .elementwise(.log)) { gradient, _ in
    [gradient / x]
  }
}

/// The natural logarithm of one plus every element, exact near zero.
public func log1p(_ x: Tensor) -> Tensor {
  mapped(x) { $0.each { log1pf($0) } }.recorded(from: [x], as: .elementwise(.log1p)) {
    gradient, _ in [gradient / (1 + x)]
  }
}

/// The square root of every element.
public func sqrt(_ x: Tensor) -> Tensor {
  let y = mapped(x) { $0.each { $0.squareRoot() } }
  return y.recorded(from: [x], as: .elementwise(.sqrt)) { gradient, _ in
    [zipped(gradient, y) { $0.each { $0 / (2 * $1) } }]
  }
}

/// One over the square root of every element.
public func rsqrt(_ x: Tensor) -> Tensor {
  let y = mapped(x) { $0.each { 1 / $0.squareRoot() } }
  return y.recorded(from: [x], as: .elementwise(.rsqrt)) { gradient, _ in
    [zipped(gradient, y) { $0.each { $0 * $1 * $1 * $1 / -2 } }]
  }
}

/// The square of every element.
public func square(_ x: Tensor) -> Tensor {
  mapped(x) { $0.each { $0 * $0 } }.recorded(from: [x], as: .elementwise(.square)) { gradient, _ in
    [zipped(gradient, x) { $0.each { 2 * $0 * $1 } }]
  }
}

/// Every element to the power of `exponent`; the gradient of a power of zero is zero.
public func pow(_ x: Tensor, _ exponent: Float) -> Tensor {
  mapped(x) { $0.each { powf($0, exponent) } }.recorded(from: [x], as: .power(exponent)) {
    gradient, _ in
    guard exponent != 0 else { return [.zeros(x.shape)] }
    return [zipped(gradient, x) { $0.each { $0 * exponent * powf($1, exponent - 1) } }]
  }
}

/// The distance of every element from zero; the gradient at zero is zero.
public func abs(_ x: Tensor) -> Tensor {
  mapped(x) { $0.each { $0.magnitude } }.recorded(from: [x], as: .elementwise(.abs)) {
    gradient, _ in
    [zipped(gradient, x) { $0.each { $1 > 0 ? $0 : $1 < 0 ? -$0 : 0 } }]
  }
}

/// Every element moved into `range`; no gradient flows where it was outside, or NaN.
public func clamp(_ x: Tensor, to range: ClosedRange<Float>) -> Tensor {
  let (low, high) = (range.lowerBound, range.upperBound)
  return mapped(x) { $0.each { $0 < low ? low : $0 > high ? high : $0 } }.recorded(
    from: [x], as: .clamp(range)
  ) {
    gradient, _ in
    [zipped(gradient, x) { $0.each { $1 >= low && $1 <= high ? $0 : 0 } }]
  }
}

/// The sine of every element, in radians.
public func sin(_ x: Tensor) -> Tensor {
  mapped(x) { $0.each { sinf($0) } }.recorded(from: [x], as: .elementwise(.sin)) { gradient, _ in
    [gradient * cos(x)]
  }
}

/// The cosine of every element, in radians.
public func cos(_ x: Tensor) -> Tensor {
  mapped(x) { $0.each { cosf($0) } }.recorded(from: [x], as: .elementwise(.cos)) { gradient, _ in
    [-gradient * sin(x)]
  }
}
