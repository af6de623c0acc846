import Nets
import Tensor

/// Directions that features are compared with: a linear layer without bias whose rows have unit
/// length, on features brought to unit length.
///
/// PyTorch's `weight_norm` of such a layer, with lengths that stay at 1, as DINO's head ends with.
public final class Prototypes: SampleIndependent {
  /// Shape [count, inputs], of rows of any length.
  public let weight: Parameter

  /// As many directions as `count`, among features of the width `inputs`.
  ///
  /// - Precondition: Both are above zero.
  public init(_ inputs: Int, count: Int) {
    precondition(
      inputs > 0 && count > 0, "Prototypes needs sizes above zero; got \(inputs) and \(count)")
    var stream = DefaultGenerator.current.split()
    weight = Parameter(Initialization.uniform([count, inputs], fanIn: inputs, using: &stream))
  }

  /// Features of shape [count, inputs] to cosines of shape [count, prototypes].
  public func forward(_ input: Tensor) -> Tensor { cosines(of: input, weight.value) }

  /// The same cosines, which give no gradient to the directions.
  func frozen(_ input: Tensor) -> Tensor { cosines(of: input, weight.value.detached) }

  private func cosines(of input: Tensor, _ weight: Tensor) -> Tensor {
    linear(l2Normalized(input), l2Normalized(weight))
  }

  /// One row.
  public var exampleShape: TensorShape? { [1, weight.shape[1]] }
}
