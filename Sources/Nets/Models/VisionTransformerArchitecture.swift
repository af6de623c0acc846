import Tensor

extension VisionTransformer {
  /// What a vision transformer is made of, without its numbers.
  public struct Architecture: Sendable, Hashable {
    /// The height and width of a patch, in pixels.
    public var patchSize: Int
    /// The features of a token.
    public var width: Int
    /// The number of blocks.
    public var depth: Int
    /// The heads of each attention.
    public var headCount: Int
    /// The features between the two linear layers of a block.
    public var hiddenWidth: Int
    /// The rows and columns of patches that the position embeddings are for.
    public var grid: Size2D
    /// The channels of the images.
    public var inputChannels = 3
    /// Where an image's features come from.
    public var pooling = TokenPool.Pooling.classToken
    /// Whether there is a class token.
    public var hasClassToken = true
    /// The number of register tokens.
    public var registerCount = 0
    /// How many tokens in front of the patches have a position embedding.
    public var positionedPrefix = 1
    /// Whether the last norm stands behind the pool rather than before it.
    public var normalizesPooled = false
    /// Whether queries, keys and values have a bias.
    public var hasQKVBias = true
    /// Whether branches have a scale for each feature.
    public var hasLayerScale = false

    /// An architecture with a class token, as in the paper; its other properties can be changed.
    ///
    /// - Parameters:
    ///   - patchSize: The height and width of a patch, in pixels.
    ///   - width: The features of a token.
    ///   - depth: The number of blocks.
    ///   - headCount: The heads; a head for 64 features when it is nil.
    ///   - hiddenWidth: The features inside a block's MLP; four times the width when it is nil.
    ///   - grid: The rows and columns of patches that the position embeddings are for.
    public init(
      patchSize: Int, width: Int, depth: Int, headCount: Int? = nil, hiddenWidth: Int? = nil,
      grid: any Size2DConvertible
    ) {
      (self.patchSize, self.width, self.depth) = (patchSize, width, depth)
      self.headCount = headCount ?? max(1, width / 64)
      self.hiddenWidth = hiddenWidth ?? 4 * width
      self.grid = grid.size2D
    }

    /// A network with new weights.
    public func callAsFunction(classCount: Int = 1_000) -> VisionTransformer {
      VisionTransformer(self, classCount: classCount)
    }

    /// The tokens in front of the patches.
    var prefixCount: Int { (hasClassToken ? 1 : 0) + registerCount }

    var block: TransformerBlock.Sizes {
      TransformerBlock.Sizes(
        width: width, headCount: headCount, hiddenWidth: hiddenWidth, qkvBias: hasQKVBias,
        hasLayerScale: hasLayerScale)
    }

    func check() {
      precondition(
        min(patchSize, width, depth, hiddenWidth, inputChannels, grid.height, grid.width) > 0
          && registerCount >= 0,
        "VisionTransformer needs sizes above zero; got \(self)")
      precondition(
        headCount > 0 && width.isMultiple(of: headCount),
        "VisionTransformer needs a width divisible by its heads; got \(width) and \(headCount)")
      precondition(
        pooling == .average || hasClassToken,
        "VisionTransformer needs a class token to take an image's features from it")
      precondition(
        (0...prefixCount).contains(positionedPrefix),
        "VisionTransformer needs positions for 0 to \(prefixCount) tokens in front of the patches; "
          + "got \(positionedPrefix)")
    }
  }
}

extension VisionTransformer.Architecture: CustomStringConvertible {
  /// In words: "a vision transformer of width 384 and depth 12 with patches of 16 for images of 3
  /// channels".
  public var description: String {
    let registers = registerCount == 0 ? "" : ", \(registerCount) registers"
    return "a vision transformer of width \(width) and depth \(depth) with patches of \(patchSize) "
      + "for images of \(inputChannels) channel\(inputChannels == 1 ? "" : "s")\(registers)"
  }
}

// MARK: - Sizes

extension VisionTransformer {
  /// The sizes that published networks have.
  public enum Size: String, CaseIterable, Sendable {
    /// 192 features, 12 blocks (DeiT, Touvron et al., 2021).
    case tiny
    /// 384 features, 12 blocks.
    case small
    /// 768 features, 12 blocks.
    case base
    /// 1,024 features, 24 blocks.
    case large

    /// The features of a token.
    public var width: Int {
      switch self {
      case .tiny: 192
      case .small: 384
      case .base: 768
      case .large: 1_024
      }
    }

    /// The number of blocks.
    public var depth: Int { self == .large ? 24 : 12 }

    /// A network of this size with new weights.
    ///
    /// - Parameters:
    ///   - patchSize: The height and width of a patch, in pixels.
    ///   - imageSize: The height and width of the images that the positions are for, which divide by
    ///     the patch size.
    ///   - inputChannels: The channels of the images.
    ///   - classCount: The outputs of the classifier.
    ///   - pooling: Where an image's features come from. The mean of the patches has the last norm
    ///     behind it and no class token, as timm's `gap` networks.
    /// - Returns: A network of this size.
    public func callAsFunction(
      patchSize: Int = 16, imageSize: any Size2DConvertible = 224, inputChannels: Int = 3,
      classCount: Int = 1_000, pooling: TokenPool.Pooling = .classToken
    ) -> VisionTransformer {
      let size = imageSize.size2D
      precondition(
        patchSize > 0 && size.height.isMultiple(of: patchSize)
          && size.width.isMultiple(of: patchSize),
        "VisionTransformer needs an image size that divides by the patch size; got \(size) and "
          + "\(patchSize)")
      var architecture = Architecture(
        patchSize: patchSize, width: width, depth: depth,
        grid: Size2D(height: size.height / patchSize, width: size.width / patchSize))
      architecture.inputChannels = inputChannels
      architecture.pooling = pooling
      if pooling == .average {
        (architecture.hasClassToken, architecture.positionedPrefix) = (false, 0)
        architecture.normalizesPooled = true
      }
      return architecture(classCount: classCount)
    }
  }

  /// `VisionTransformer.tiny()` makes a network of this size.
  public static let tiny = Size.tiny
  /// `VisionTransformer.small()` makes a network of this size.
  public static let small = Size.small
  /// `VisionTransformer.base()` makes a network of this size.
  public static let base = Size.base
  /// `VisionTransformer.large()` makes a network of this size.
  public static let large = Size.large
}
