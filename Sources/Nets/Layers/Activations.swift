import Tensor

/// max(0, x).
public final class ReLU: SampleIndependent {
  /// A layer without parameters.
  public init() {}

  /// Any shape to the same shape.
  public func forward(_ input: Tensor) -> Tensor { relu(input) }
}

/// x where it is positive, slope · x elsewhere.
public final class LeakyReLU: SampleIndependent {
  /// The slope below zero.
  public let slope: Float

  /// A layer with the given slope below zero.
  public init(slope: Float = 0.01) { self.slope = slope }

  /// Any shape to the same shape.
  public func forward(_ input: Tensor) -> Tensor { leakyReLU(input, slope: slope) }
}

/// x · Φ(x), with the normal distribution's exact Φ.
public final class GELU: SampleIndependent {
  /// A layer without parameters.
  public init() {}

  /// Any shape to the same shape.
  public func forward(_ input: Tensor) -> Tensor { gelu(input) }
}

/// x · sigmoid(x).
public final class SiLU: SampleIndependent {
  /// A layer without parameters.
  public init() {}

  /// Any shape to the same shape.
  public func forward(_ input: Tensor) -> Tensor { silu(input) }
}

/// 1 / (1 + e⁻ˣ).
public final class Sigmoid: SampleIndependent {
  /// A layer without parameters.
  public init() {}

  /// Any shape to the same shape.
  public func forward(_ input: Tensor) -> Tensor { sigmoid(input) }
}

/// The hyperbolic tangent.
public final class Tanh: SampleIndependent {
  /// A layer without parameters.
  public init() {}

  /// Any shape to the same shape.
  public func forward(_ input: Tensor) -> Tensor { tanh(input) }
}
