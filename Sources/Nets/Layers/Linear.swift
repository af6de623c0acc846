import Tensor

/// y = x · Wᵀ + b.
public final class Linear: SampleIndependent {
  /// Shape [outputs, inputs].
  public let weight: Parameter
  /// Shape [outputs].
  public let bias: Parameter?

  /// A layer from `inputs` to `outputs` features, with torch's initial weights.
  public init(_ inputs: Int, _ outputs: Int, bias: Bool = true, using stream: RandomStream? = nil) {
    precondition(
      inputs > 0 && outputs > 0, "Linear needs sizes above zero; got \(inputs) and \(outputs)")
    var stream = stream ?? DefaultGenerator.current.split()
    weight = Parameter(Initialization.uniform([outputs, inputs], fanIn: inputs, using: &stream))
    self.bias =
      bias ? Parameter(Initialization.uniform([outputs], fanIn: inputs, using: &stream)) : nil
  }

  /// Inputs of shape [..., inputs] to [..., outputs].
  public func forward(_ input: Tensor) -> Tensor {
    linear(input, weight.value, bias: bias?.value)
  }

  /// One row.
  public var exampleShape: TensorShape? { [1, weight.shape[1]] }
}
