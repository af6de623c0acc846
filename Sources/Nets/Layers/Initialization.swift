import Foundation
import Tensor

/// The distributions that weights are first drawn from: torch's rules.
public enum Initialization {
  /// U(-1/√fanIn, 1/√fanIn): torch's initial weights and biases of linear and convolution layers.
  public static func uniform(
    _ shape: TensorShape, fanIn: Int, using stream: inout RandomStream
  ) -> Tensor {
    let bound = 1 / Float(max(1, fanIn)).squareRoot()
    return .uniform(shape, in: -bound..<bound, using: &stream)
  }

  /// N(0, 2/fan): for weights in front of a ReLU (He et al., 2015).
  public static func kaimingNormal(
    _ shape: TensorShape, fan: Int, using stream: inout RandomStream
  ) -> Tensor {
    .normal(shape, standardDeviation: (2 / Float(max(1, fan))).squareRoot(), using: &stream)
  }

  /// U(-b, b) with b = √(6 / (fanIn + fanOut)) (Glorot and Bengio, 2010).
  public static func xavierUniform(
    _ shape: TensorShape, fanIn: Int, fanOut: Int, using stream: inout RandomStream
  ) -> Tensor {
    let bound = (6 / Float(max(1, fanIn + fanOut))).squareRoot()
    return .uniform(shape, in: -bound..<bound, using: &stream)
  }
}
