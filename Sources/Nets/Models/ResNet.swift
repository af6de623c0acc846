import Tensor

/// A residual network (He et al., 2016) with torchvision's structure, names and initialisation.
///
/// A state dictionary of torchvision's ResNet of the same depth and norm loads into it unchanged.
public final class ResNet: SampleIndependent {
  /// What stands before the first residual block.
  public enum Stem: String, Sendable {
    /// A 7x7 convolution of stride 2 and a max-pool: torchvision's, for images of about 224 pixels.
    case imageNet
    /// A 3x3 convolution of stride 1 without max-pool: for images of about 32 pixels.
    case small
  }

  /// How activations are normalised.
  public enum Norm: Hashable, Sendable {
    /// Batch norm.
    case batch
    /// Group norm of so many groups (Wu and He, 2018): torchvision's network with
    /// `norm_layer=lambda channels: nn.GroupNorm(groups, channels)`.
    case group(Int)
    /// Group norm over weight-standardised convolutions, which learn as well as with batch norm
    /// (Qiao et al., 2019; BYOL without batch statistics, Richemond et al., 2020). Its state
    /// dictionary has the names and shapes of ``group(_:)``'s, and means another network.
    case groupStandardized(Int)
  }

  /// The convolution of the stem.
  public let conv1: any Module
  /// The norm of the stem.
  public let bn1: any FusableNorm
  let relu = ReLU()
  let maxpool: any Module
  /// The residual blocks of the first resolution.
  public let layer1: Sequential
  /// Those of half of it.
  public let layer2: Sequential
  /// Those of a quarter.
  public let layer3: Sequential
  /// Those of an eighth.
  public let layer4: Sequential
  /// The global average, which learners tap by default in examples.
  public let avgpool = GlobalAveragePool()
  /// The classifier.
  public let fc: Linear
  let stem: Stem
  let isBottleneck: Bool
  let width: Int
  let inputChannels: Int
  let norm: Norm

  /// A network with the given number of blocks at each of the four resolutions.
  package init(
    isBottleneck: Bool, depths: [Int], stem: Stem = .imageNet, width: Int = 64,
    inputChannels: Int = 3, classCount: Int = 1_000, zeroInitResidual: Bool = false,
    norm: Norm = .batch
  ) {
    precondition(depths.count == 4, "ResNet needs four depths; got \(depths)")
    precondition(
      width > 0 && inputChannels > 0 && classCount > 0,
      "ResNet needs sizes above zero; got width \(width), \(inputChannels) input channels and "
        + "\(classCount) classes")
    (self.stem, self.isBottleneck, self.width) = (stem, isBottleneck, width)
    (self.inputChannels, self.norm) = (inputChannels, norm)
    let parts = ResNetParts(norm: norm)
    conv1 =
      stem == .imageNet
      ? parts.convolution(inputChannels, width, kernelSize: 7, stride: 2)
      : parts.convolution(inputChannels, width, kernelSize: 3)
    bn1 = parts.norm(width)
    maxpool = stem == .imageNet ? MaxPool(3, stride: 2, padding: 1) : Identity()
    var channels = width
    let layers = depths.enumerated().map { level, depth in
      Sequential(
        (0..<depth).map { position -> any Module in
          let block = ResidualBlock.Sizes(
            inputs: channels, width: width << level, stride: level > 0 && position == 0 ? 2 : 1)
          defer { channels = (width << level) * (isBottleneck ? 4 : 1) }
          return isBottleneck
            ? Bottleneck(block, parts, zeroInit: zeroInitResidual)
            : BasicBlock(block, parts, zeroInit: zeroInitResidual)
        })
    }
    (layer1, layer2, layer3, layer4) = (layers[0], layers[1], layers[2], layers[3])
    fc = Linear(channels, classCount)
  }

  /// Images of shape [count, height, width, channels] to logits of shape [count, classes].
  public func forward(_ images: Tensor) -> Tensor {
    let stem = maxpool(bn1(after: conv1, images, then: relu))
    return fc(avgpool(layer4(layer3(layer2(layer1(stem))))).flattened(from: 1))
  }

  /// One image of the size the stem is made for.
  public var exampleShape: TensorShape? {
    stem == .imageNet ? [1, 224, 224, inputChannels] : [1, 32, 32, inputChannels]
  }
}

// MARK: - Depths

extension ResNet {
  /// The paper's networks and a shorter one, under torchvision's names.
  public enum Depth: String, CaseIterable, Sendable {
    /// One basic block at each resolution, for small images and short runs. torchvision has none of
    /// this depth; names, layout and initialisation are as in its others.
    case resNet10 = "resnet10"
    /// Two basic blocks at each resolution.
    case resNet18 = "resnet18"
    /// 3, 4, 6 and 3 basic blocks.
    case resNet34 = "resnet34"
    /// 3, 4, 6 and 3 bottleneck blocks.
    case resNet50 = "resnet50"
    /// 3, 4, 23 and 3 bottleneck blocks.
    case resNet101 = "resnet101"
    /// 3, 8, 36 and 3 bottleneck blocks.
    case resNet152 = "resnet152"

    /// The number of blocks at each of the four resolutions.
    public var blocks: [Int] {
      switch self {
      case .resNet10: [1, 1, 1, 1]
      case .resNet18: [2, 2, 2, 2]
      case .resNet34, .resNet50: [3, 4, 6, 3]
      case .resNet101: [3, 4, 23, 3]
      case .resNet152: [3, 8, 36, 3]
      }
    }

    /// Whether blocks have three convolutions, of which the middle one is narrow.
    public var isBottleneck: Bool { ![.resNet10, .resNet18, .resNet34].contains(self) }

    /// A network of this depth; see `ResNet.init(depth:…)`.
    public func callAsFunction(
      stem: Stem = .imageNet, width: Int = 64, inputChannels: Int = 3, classCount: Int = 1_000,
      zeroInitResidual: Bool = false, norm: Norm = .batch
    ) -> ResNet {
      ResNet(
        depth: self, stem: stem, width: width, inputChannels: inputChannels,
        classCount: classCount, zeroInitResidual: zeroInitResidual, norm: norm)
    }
  }

  /// A network of the given depth.
  ///
  /// - Parameters:
  ///   - depth: The number and the kind of the residual blocks.
  ///   - stem: What stands before the blocks.
  ///   - width: The channels of the first resolution; 64 in the paper.
  ///   - inputChannels: The channels of the images.
  ///   - classCount: The outputs of the classifier.
  ///   - zeroInitResidual: Whether each block starts as the identity, by a last scale of zero.
  ///   - norm: How activations are normalised.
  public convenience init(
    depth: Depth, stem: Stem = .imageNet, width: Int = 64, inputChannels: Int = 3,
    classCount: Int = 1_000, zeroInitResidual: Bool = false, norm: Norm = .batch
  ) {
    self.init(
      isBottleneck: depth.isBottleneck, depths: depth.blocks, stem: stem, width: width,
      inputChannels: inputChannels, classCount: classCount, zeroInitResidual: zeroInitResidual,
      norm: norm)
  }

  /// `ResNet.resNet10()` makes a network of this depth.
  public static let resNet10 = Depth.resNet10
  /// `ResNet.resNet18()` makes a network of this depth.
  public static let resNet18 = Depth.resNet18
  /// `ResNet.resNet34()` makes a network of this depth.
  public static let resNet34 = Depth.resNet34
  /// `ResNet.resNet50()` makes a network of this depth.
  public static let resNet50 = Depth.resNet50
  /// `ResNet.resNet101()` makes a network of this depth.
  public static let resNet101 = Depth.resNet101
  /// `ResNet.resNet152()` makes a network of this depth.
  public static let resNet152 = Depth.resNet152
}
