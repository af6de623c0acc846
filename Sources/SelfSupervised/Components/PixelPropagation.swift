import Nets
import Tensor

/// PixPro's propagation: each pixel becomes a mixture of all those that are like it (Xie et al.,
/// 2021, section 3.2).
///
/// y_i = Σ_j max(cos(x_i, x_j), 0)^γ · g(x_j), the pixel itself included. In the authors' code
/// g(x_j) has unit length; in pixel-level-contrastive-learning it keeps the length it has.
public final class PixelPropagation: SampleIndependent {
  /// g, a network of 1x1 convolutions.
  public let transform: any Module
  /// How much likeness counts.
  public let gamma: Float
  /// Whose rules are followed.
  public let variant: PixelVariant

  /// A propagation over maps of `channels` channels.
  ///
  /// - Parameters:
  ///   - channels: The channels of the map.
  ///   - layerCount: The layers of g: 0 is the identity, 1 a 1x1 convolution, 2 two of them with
  ///     batch norm and ReLU between.
  ///   - gamma: How much likeness counts, above zero; 2 is the paper's.
  ///   - variant: Whose rules are followed.
  public init(
    _ channels: Int, layerCount: Int = 1, gamma: Float = 2, variant: PixelVariant = .official
  ) {
    precondition(
      (0...2).contains(layerCount),
      "PixelPropagation needs 0, 1 or 2 layers; got \(layerCount)")
    precondition(gamma > 0, "PixelPropagation needs a gamma above zero; got \(gamma)")
    switch layerCount {
    case 0: transform = Identity()
    case 1: transform = Conv2d(channels, channels, kernelSize: 1)
    default: transform = Heads.pixelProjector(channels, hidden: channels, outputs: channels)
    }
    self.gamma = gamma
    self.variant = variant
  }

  /// Maps of shape [count, height, width, channels] to the same shape.
  public func forward(_ map: Tensor) -> Tensor {
    let (count, height, width, channels) = map.shape.dimensions4
    let rows = [count, height * width, channels]
    let unit = l2Normalized(map.reshaped(rows))
    let values = transform(map).reshaped(rows)
    let weights = power(relu(matmul(unit, unit.transposed())))
    return matmul(weights, variant == .official ? l2Normalized(values) : values).reshaped(map.shape)
  }

  private func power(_ likeness: Tensor) -> Tensor {
    switch gamma {
    case 1: likeness
    case 2: square(likeness)
    // Below 1 the slope at zero is infinite; the authors' code keeps away from zero.
    case ..<1: pow(likeness + 1e-6, gamma)
    default: pow(likeness, gamma)
    }
  }
}

extension Heads {
  /// PixPro's projector of maps: 1x1 convolution, batch norm, ReLU, 1x1 convolution.
  ///
  /// - Returns: A network from shape [count, height, width, inputs] to [count, height, width,
  ///   outputs].
  public static func pixelProjector(_ inputs: Int, hidden: Int, outputs: Int) -> Sequential {
    Sequential {
      Conv2d(inputs, hidden, kernelSize: 1)
      BatchNorm(hidden)
      ReLU()
      Conv2d(hidden, outputs, kernelSize: 1)
    }
  }
}
