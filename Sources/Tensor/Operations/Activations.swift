import Foundation

/// max(0, x); the gradient at zero is zero. NaN stays NaN.
public func relu(_ x: Tensor) -> Tensor {
  let y = mapped(x) { $0.each { $0 <= 0 ? 0 : $0 } }
  return y.recorded(from: [x], as: .elementwise(.relu)) { gradient, _ in
    [zipped(gradient, y) { $0.each { $1 <= 0 ? 0 : $0 } }]
  }
}

/// x where it is positive, `slope` · x elsewhere.
public func leakyReLU(_ x: Tensor, slope: Float = 0.01) -> Tensor {
  mapped(x) { $0.each { $0 > 0 ? $0 : slope * $0 } }.recorded(
    from: [x], as: .leakyReLU(slope: slope)
  ) { gradient, _ in
    [zipped(gradient, x) { $0.each { $1 > 0 ? $0 : slope * $0 } }]
  }
}

/// x where it is positive, `alpha` · (eˣ - 1) elsewhere.
public func elu(_ x: Tensor, alpha: Float = 1) -> Tensor {
  mapped(x) { $0.each { $0 > 0 ? $0 : alpha * expm1f($0) } }.recorded(
    from: [x], as: .elu(alpha: alpha)
  ) { gradient, _ in
    [zipped(gradient, x) { $0.each { $1 > 0 ? $0 : $0 * alpha * expf($1) } }]
  }
}

/// x · Φ(x), with the normal distribution's exact Φ: torch's default.
public func gelu(_ x: Tensor) -> Tensor {
  geluMap(x).recorded(from: [x], as: .elementwise(.gelu)) { gradient, _ in
    [geluGradient(gradient, x)]  // Φ(x) + x · φ(x)
  }
}

/// 1 / (1 + e⁻ˣ).
public func sigmoid(_ x: Tensor) -> Tensor {
  let y = mapped(x) { $0.each { 1 / (1 + expf(-$0)) } }
  return y.recorded(from: [x], as: .elementwise(.sigmoid)) { gradient, _ in
    [zipped(gradient, y) { $0.each { $0 * $1 * (1 - $1) } }]
  }
}

/// x · sigmoid(x), also known as swish.
public func silu(_ x: Tensor) -> Tensor {
  mapped(x) { $0.each { $0 / (1 + expf(-$0)) } }.recorded(from: [x], as: .elementwise(.silu)) {
    gradient, _ in
    [
      zipped(gradient, x) {
        $0.each {  // σ(x) · (1 + x · (1 - σ(x)))
          let sigmoid = 1 / (1 + expf(-$1))
          return $0 * sigmoid * (1 + $1 * (1 - sigmoid))
        }
      }
    ]
  }
}

/// The hyperbolic tangent.
public func tanh(_ x: Tensor) -> Tensor {
  let y = mapped(x) { $0.each { tanhf($0) } }
  return y.recorded(from: [x], as: .elementwise(.tanh)) { gradient, _ in
    [zipped(gradient, y) { $0.each { $0 * (1 - $1 * $1) } }]
  }
}

/// log(1 + eˣ), without overflow.
public func softplus(_ x: Tensor) -> Tensor {
  mapped(x) { $0.each { max($0, 0) + log1pf(expf(-$0.magnitude)) } }.recorded(
    from: [x], as: .elementwise(.softplus)
  ) {
    gradient, _ in
    [zipped(gradient, x) { $0.each { $0 / (1 + expf(-$1)) } }]
  }
}

/// Zeroes each element with the given probability and divides the others by what is left of 1.
public func dropout(
  _ x: Tensor, probability: Float, using stream: inout RandomStream
) -> Tensor {
  precondition(
    (0..<1).contains(probability),
    "dropout needs a probability of at least 0 and below 1; got \(probability)")
  let scale = 1 / (1 - probability)
  let mask = Tensor(x.shape) { out in
    for index in 0..<x.elementCount { out[index] = stream.bernoulli(probability) ? 0 : scale }
  }
  return x * mask
}
