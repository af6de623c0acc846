import Tensor

/// Makes the convolutions and norms of a residual network, initialised as torchvision's.
struct ResNetParts {
  let norm: ResNet.Norm

  /// A convolution without bias that keeps the size but for its stride, with weights from N(0, 2 /
  /// fanOut).
  func convolution(_ inputs: Int, _ outputs: Int, kernelSize: Int, stride: Int = 1) -> any Module {
    var stream = DefaultGenerator.current.split()
    let layer = Conv2d(
      inputs, outputs, kernelSize: kernelSize, stride: stride, padding: kernelSize / 2,
      bias: false, using: stream.split())
    layer.weight.value = Initialization.kaimingNormal(
      layer.weight.shape, fan: outputs * kernelSize * kernelSize, using: &stream)
    if case .groupStandardized = norm { return WeightStandardized(layer) }
    return layer
  }

  func norm(_ channels: Int, zeroInit: Bool = false) -> any FusableNorm {
    switch norm {
    case .batch:
      let layer = BatchNorm(channels)
      if zeroInit { layer.scale?.value = .zeros([channels]) }
      return layer
    case .group(let groups), .groupStandardized(let groups):
      let layer = GroupNorm(groups: groups, channels)
      if zeroInit { layer.scale.value = .zeros([channels]) }
      return layer
    }
  }

  /// What brings a block's input to the shape of its output; nil where they are the same.
  func downsample(_ inputs: Int, _ outputs: Int, stride: Int) -> Sequential? {
    guard stride != 1 || inputs != outputs else { return nil }
    return Sequential([
      convolution(inputs, outputs, kernelSize: 1, stride: stride), norm(outputs),
    ])
  }
}

enum ResidualBlock {
  /// The channels that come in, the channels of the level, and the stride.
  struct Sizes {
    let inputs: Int
    let width: Int
    let stride: Int
  }
}

/// Two 3x3 convolutions and a shortcut.
final class BasicBlock: SampleIndependent {
  let conv1: any Module
  let bn1: any FusableNorm
  let relu = ReLU()
  let conv2: any Module
  let bn2: any FusableNorm
  let downsample: Sequential?

  init(_ sizes: ResidualBlock.Sizes, _ parts: ResNetParts, zeroInit: Bool) {
    conv1 = parts.convolution(sizes.inputs, sizes.width, kernelSize: 3, stride: sizes.stride)
    bn1 = parts.norm(sizes.width)
    conv2 = parts.convolution(sizes.width, sizes.width, kernelSize: 3)
    bn2 = parts.norm(sizes.width, zeroInit: zeroInit)
    downsample = parts.downsample(sizes.inputs, sizes.width, stride: sizes.stride)
  }

  func forward(_ x: Tensor) -> Tensor {
    let shortcut = downsample.map { $0(x) } ?? x
    return bn2(after: conv2, bn1(after: conv1, x, then: relu), adding: shortcut, then: relu)
  }
}

/// A 1x1, a 3x3 and a 1x1 convolution, the last four times wider, and a shortcut.
///
/// The stride is in the 3x3 convolution, as in torchvision (ResNet 1.5).
final class Bottleneck: SampleIndependent {
  let conv1: any Module
  let bn1: any FusableNorm
  let conv2: any Module
  let bn2: any FusableNorm
  let conv3: any Module
  let bn3: any FusableNorm
  let relu = ReLU()
  let downsample: Sequential?

  init(_ sizes: ResidualBlock.Sizes, _ parts: ResNetParts, zeroInit: Bool) {
    conv1 = parts.convolution(sizes.inputs, sizes.width, kernelSize: 1)
    bn1 = parts.norm(sizes.width)
    conv2 = parts.convolution(sizes.width, sizes.width, kernelSize: 3, stride: sizes.stride)
    bn2 = parts.norm(sizes.width)
    conv3 = parts.convolution(sizes.width, sizes.width * 4, kernelSize: 1)
    bn3 = parts.norm(sizes.width * 4, zeroInit: zeroInit)
    downsample = parts.downsample(sizes.inputs, sizes.width * 4, stride: sizes.stride)
  }

  func forward(_ x: Tensor) -> Tensor {
    let shortcut = downsample.map { $0(x) } ?? x
    let narrow = bn2(after: conv2, bn1(after: conv1, x, then: relu), then: relu)
    return bn3(after: conv3, narrow, adding: shortcut, then: relu)
  }
}
