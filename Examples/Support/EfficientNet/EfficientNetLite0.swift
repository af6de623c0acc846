import Nets
import Tensor

/// EfficientNet-Lite0: EfficientNet without squeeze-and-excitation and with ReLU6, for phones.
///
/// Parts and their order are those of its published weights, which are TensorFlow's: batch norm has
/// an epsilon of 1e-3, and padding is one-sided where the stride leaves an odd pixel.
package final class EfficientNetLite0: SampleIndependent {
  let stem = sameConv(3, 32, kernelSize: 3, stride: 2)
  let stemNorm = BatchNorm(32, momentum: 0.01, epsilon: 1e-3)
  let blocks: [InvertedResidual]
  let head = sameConv(320, 1_280, kernelSize: 1)
  let headNorm = BatchNorm(1_280, momentum: 0.01, epsilon: 1e-3)
  let pool = GlobalAveragePool()
  let classifier: Linear

  /// Blocks of one width, the first of which may have a stride.
  private struct Level {
    let count, kernelSize, stride, expansion, outputs: Int

    init(_ count: Int, kernelSize: Int, stride: Int, expansion: Int = 6, to outputs: Int) {
      (self.count, self.kernelSize, self.stride) = (count, kernelSize, stride)
      (self.expansion, self.outputs) = (expansion, outputs)
    }
  }

  private static let levels = [
    Level(1, kernelSize: 3, stride: 1, expansion: 1, to: 16),
    Level(2, kernelSize: 3, stride: 2, to: 24), Level(2, kernelSize: 5, stride: 2, to: 40),
    Level(3, kernelSize: 3, stride: 2, to: 80), Level(3, kernelSize: 5, stride: 1, to: 112),
    Level(4, kernelSize: 5, stride: 2, to: 192), Level(1, kernelSize: 3, stride: 1, to: 320),
  ]

  package init(classCount: Int = 1_000) {
    var channels = 32
    blocks = Self.levels.flatMap { level in
      (0..<level.count).map { position in
        defer { channels = level.outputs }
        return InvertedResidual(
          channels, level.outputs, kernelSize: level.kernelSize,
          stride: position == 0 ? level.stride : 1, expansion: level.expansion)
      }
    }
    classifier = Linear(1_280, classCount)
  }

  /// The names that the published weights have, which begin with an underscore.
  package var members: [Member] {
    [
      Member("_conv_stem", .module(stem)), Member("_bn0", .module(stemNorm)),
    ]
      + blocks.enumerated().map { Member("_blocks.\($0)", .module($1)) }
      + [
        Member("_conv_head", .module(head)), Member("_bn1", .module(headNorm)),
        Member("pool", .module(pool)), Member("_fc", .module(classifier)),
      ]
  }

  package func forward(_ images: Tensor) -> Tensor {
    let stem = relu6(stemNorm(after: self.stem, images))
    let features = blocks.reduce(stem) { $1($0) }
    return classifier(pool(relu6(headNorm(after: head, features))).flattened(from: 1))
  }

  package var exampleShape: TensorShape? { [1, 224, 224, 3] }
}

/// A 1x1 convolution that widens, a depthwise one, a 1x1 convolution that narrows, and a shortcut
/// where the shapes are the same.
final class InvertedResidual: SampleIndependent {
  let expand: (any Module)?
  let expandNorm: BatchNorm?
  let depthwise: any Module
  let depthwiseNorm: BatchNorm
  let project: any Module
  let projectNorm: BatchNorm
  private let hasShortcut: Bool

  init(_ inputs: Int, _ outputs: Int, kernelSize: Int, stride: Int, expansion: Int) {
    let width = inputs * expansion
    expand = expansion == 1 ? nil : sameConv(inputs, width, kernelSize: 1)
    expandNorm = expansion == 1 ? nil : BatchNorm(width, momentum: 0.01, epsilon: 1e-3)
    depthwise = sameConv(width, width, kernelSize: kernelSize, stride: stride, groups: width)
    depthwiseNorm = BatchNorm(width, momentum: 0.01, epsilon: 1e-3)
    project = sameConv(width, outputs, kernelSize: 1)
    projectNorm = BatchNorm(outputs, momentum: 0.01, epsilon: 1e-3)
    hasShortcut = stride == 1 && inputs == outputs
  }

  var members: [Member] {
    let first: [(String, (any Module)?)] = [("_expand_conv", expand), ("_bn0", expandNorm)]
    let others: [(String, (any Module)?)] = [
      ("_depthwise_conv", depthwise), ("_bn1", depthwiseNorm), ("_project_conv", project),
      ("_bn2", projectNorm),
    ]
    return (first + others).compactMap { name, layer in layer.map { Member(name, .module($0)) } }
  }

  func forward(_ x: Tensor) -> Tensor {
    var wide = x
    if let expand, let expandNorm { wide = relu6(expandNorm(after: expand, x)) }
    let narrow = projectNorm(after: project, relu6(depthwiseNorm(after: depthwise, wide)))
    return hasShortcut ? narrow + x : narrow
  }
}

/// A convolution without bias whose output has the input's size, divided by the stride and rounded up.
///
/// A stride of 1 needs no more than a convolution's own padding.
private func sameConv(
  _ inputs: Int, _ outputs: Int, kernelSize: Int, stride: Int = 1, groups: Int = 1
) -> any Module {
  guard stride == 1 else {
    return SameConv(inputs, outputs, kernelSize: kernelSize, stride: stride, groups: groups)
  }
  return Conv2d(
    inputs, outputs, kernelSize: kernelSize, padding: kernelSize / 2, groups: groups, bias: false)
}

/// The same for any stride: where the padding is odd, the pixel more is at the bottom and the right.
final class SameConv: SampleIndependent {
  let convolution: Conv2d

  init(_ inputs: Int, _ outputs: Int, kernelSize: Int, stride: Int, groups: Int) {
    convolution = Conv2d(
      inputs, outputs, kernelSize: kernelSize, stride: stride, groups: groups, bias: false)
  }

  /// The convolution's own: the names do not show the wrapper.
  var members: [Member] { convolution.members }

  func forward(_ x: Tensor) -> Tensor {
    let (kernel, stride) = (convolution.weight.shape[1], convolution.stride.height)
    func padding(_ size: Int) -> (before: Int, after: Int) {
      let all = max(0, ((size + stride - 1) / stride - 1) * stride + kernel - size)
      return (all / 2, all - all / 2)
    }
    return convolution(x.padded([(0, 0), padding(x.shape[1]), padding(x.shape[2]), (0, 0)]))
  }
}

private func relu6(_ x: Tensor) -> Tensor { clamp(x, to: 0...6) }
