import Tensor

/// A vision transformer (Dosovitskiy et al., 2021) with timm's structure, names and initialization.
///
/// ```swift
/// let net = VisionTransformer.small(patchSize: 16, imageSize: 224)
/// let learner = BYOL(net, imageSize: 224, hiddenLayer: "pool")
/// ```
///
/// State dictionaries of timm, DINO, DINOv2 and MAE load into a network of the same architecture
/// unchanged, those of torchvision and of Hugging Face under its names;
/// ``init(contentsOf:classCount:)`` takes the architecture from the file. It accepts images of any
/// size that patches fill: the position embeddings are resized as timm's are.
public final class VisionTransformer: SampleIndependent {
  /// The token whose features are those of the image; nil if patches are averaged and there is none.
  public let classToken: Parameter?
  /// Further tokens without a meaning of their own (Darcet et al., 2024).
  public let registerTokens: Parameter?
  /// Shape [1, tokens that have a position, width].
  public let positionEmbedding: Parameter
  /// Patches to tokens.
  public let patchEmbedding: PatchEmbedding
  /// The ``TransformerBlock``s.
  public let blocks: Sequential
  /// The norm behind the blocks, if it comes before the pool.
  public let norm: LayerNorm?
  /// Tokens to features of the image, which learners tap.
  public let pool: TokenPool
  /// The norm behind the pool.
  public let pooledNorm: LayerNorm?
  /// The classifier.
  public let head: Linear
  /// What the network is made of.
  public let architecture: Architecture

  /// Added to variances: timm's and DINO's, not torch's default.
  static let epsilon: Float = 1e-6

  /// A network with new weights.
  public init(_ architecture: Architecture, classCount: Int = 1_000) {
    let sizes = architecture
    sizes.check()
    precondition(classCount > 0, "VisionTransformer needs a class or more; got \(classCount)")
    self.architecture = architecture
    var stream = DefaultGenerator.current.split()
    let width = sizes.width
    classToken =
      sizes.hasClassToken
      ? Parameter(.normal([1, 1, width], standardDeviation: 1e-6, using: &stream)) : nil
    registerTokens =
      sizes.registerCount > 0
      ? Parameter(
        .normal([1, sizes.registerCount, width], standardDeviation: 1e-6, using: &stream)) : nil
    let positions = sizes.positionedPrefix + sizes.grid.height * sizes.grid.width
    positionEmbedding = Parameter(
      .normal([1, positions, width], standardDeviation: 0.02, using: &stream))
    patchEmbedding = PatchEmbedding(
      sizes.patchSize, sizes.inputChannels, width, using: stream.split())
    let block = sizes.block
    blocks = Sequential((0..<sizes.depth).map { _ in TransformerBlock(block, using: &stream) })
    let lastNorm = LayerNorm(width, epsilon: Self.epsilon)
    norm = sizes.normalizesPooled ? nil : lastNorm
    pool = TokenPool(sizes.pooling, prefix: sizes.prefixCount)
    pooledNorm = sizes.normalizesPooled ? lastNorm : nil
    head = Linear(width, classCount, using: stream.split())
    for (_, module) in namedModules {
      guard let linear = module as? Linear else { continue }
      // timm's rule; its truncation at two, a hundred deviations away, never happens.
      linear.weight.value = .normal(
        linear.weight.shape, standardDeviation: 0.02, using: &stream)
      linear.bias?.value = .zeros(linear.bias?.shape ?? [])
    }
  }

  /// The names of timm, in its order.
  public var members: [Member] {
    var members: [Member] = []
    if let classToken { members.append(Member("cls_token", .parameter(classToken))) }
    if let registerTokens { members.append(Member("reg_token", .parameter(registerTokens))) }
    members.append(Member("pos_embed", .parameter(positionEmbedding)))
    members.append(Member("patch_embed", .module(patchEmbedding)))
    members.append(Member("blocks", .module(blocks)))
    if let norm { members.append(Member("norm", .module(norm))) }
    members.append(Member("pool", .module(pool)))
    if let pooledNorm { members.append(Member("fc_norm", .module(pooledNorm))) }
    members.append(Member("head", .module(head)))
    return members
  }

  /// Images of shape [count, height, width, channels] to logits of shape [count, classes].
  ///
  /// - Precondition: Height and width divide by the patch size.
  public func forward(_ images: Tensor) -> Tensor {
    let patches = patchEmbedding(images)
    let (_, height, width, features) = patches.shape.dimensions4
    let prefix = architecture.prefixCount
    // Zeros in front, to which the tokens that are the same for all images are added.
    let tokens = patches.reshaped([-1, height * width, features])
      .padded([(0, 0), (prefix, 0), (0, 0)])
    let mixed = blocks(tokens + addends(for: Size2D(height: height, width: width)))
    let pooled = pool(norm.map { $0(mixed) } ?? mixed)
    return head(pooledNorm.map { $0(pooled) } ?? pooled)
  }

  /// What is added to each token: its position, and in front of the patches the tokens themselves;
  /// shape [1, length, features].
  private func addends(for size: Size2D) -> Tensor {
    let positions = positionEmbedding.value
    let (positioned, width) = (architecture.positionedPrefix, architecture.width)
    var prefix = [classToken, registerTokens].compactMap { $0?.value }
    if positioned > 0 {
      let own = positions.cropped(at: [0, 0, 0], shape: [1, positioned, width])
      let after = architecture.prefixCount - positioned
      prefix = [concatenated(prefix, axis: 1) + own.padded([(0, 0), (0, after), (0, 0)])]
    }
    let grid = architecture.grid
    var patches = positions.cropped(
      at: [0, positioned, 0], shape: [1, grid.height * grid.width, width])
    if size != grid {
      patches = resized(
        patches.reshaped([1, grid.height, grid.width, width]), to: size, interpolation: .bicubic,
        antialias: true
      ).reshaped([1, size.height * size.width, width])
    }
    return concatenated(prefix + [patches], axis: 1)
  }

  /// One image of the size the positions are for.
  public var exampleShape: TensorShape? {
    let (grid, patch) = (architecture.grid, architecture.patchSize)
    return [1, grid.height * patch, grid.width * patch, architecture.inputChannels]
  }
}

extension VisionTransformer {
  /// Makes a network for normalized images one for images as they are, which computes the same.
  ///
  /// Patches are a linear layer of pixels without padding, so that (x - mean) / standard deviation can
  /// be part of its weights.
  ///
  /// ```swift
  /// net.absorbNormalization(mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])
  /// ```
  ///
  /// - Parameters:
  ///   - mean: What was taken from each channel.
  ///   - standardDeviation: What each channel was divided by.
  /// - Precondition: There is one number of each for each channel; deviations are not zero.
  public func absorbNormalization(mean: [Float], standardDeviation: [Float]) {
    let channels = architecture.inputChannels
    precondition(
      mean.count == channels && standardDeviation.count == channels
        && !standardDeviation.contains(0),
      "absorbNormalization needs \(channels) means and deviations that are not zero; got \(mean) and "
        + "\(standardDeviation)")
    let proj = patchEmbedding.proj
    withoutGradients {
      let weight = proj.weight.value / Tensor(standardDeviation)
      if let bias = proj.bias {
        bias.value = bias.value - (weight * Tensor(mean)).sum(axes: [1, 2, 3])
      }
      proj.weight.value = weight
    }
  }
}

/// Patches of an image, side by side, to tokens.
public final class PatchEmbedding: SampleIndependent {
  /// A linear layer of the pixels of a patch.
  public let proj: Conv2d

  init(_ patchSize: Int, _ inputChannels: Int, _ width: Int, using stream: RandomStream) {
    proj = Conv2d(
      inputChannels, width, kernelSize: patchSize, stride: patchSize, using: stream)
  }

  /// Images of shape [count, height, width, channels] to [count, rows, columns, features].
  public func forward(_ images: Tensor) -> Tensor {
    let patch = proj.stride.height
    precondition(
      images.rank == 4 && images.shape[1].isMultiple(of: patch)
        && images.shape[2].isMultiple(of: patch),
      "VisionTransformer needs images [count, height, width, channels] whose height and width divide "
        + "by the patch size of \(patch); got \(images.shape)")
    return proj(images)
  }
}

/// The features of an image from those of its tokens.
public final class TokenPool: SampleIndependent {
  /// Where an image's features come from.
  public enum Pooling: String, Sendable, CaseIterable {
    /// The first token.
    case classToken = "class token"
    /// The mean of the patches.
    case average
  }

  /// Where an image's features come from.
  public let pooling: Pooling
  private let prefix: Int

  init(_ pooling: Pooling, prefix: Int) { (self.pooling, self.prefix) = (pooling, prefix) }

  /// Tokens of shape [count, length, width] to [count, width].
  public func forward(_ tokens: Tensor) -> Tensor {
    let (length, width) = (tokens.shape[1], tokens.shape[2])
    let first = pooling == .classToken ? 0 : prefix
    let count = pooling == .classToken ? 1 : length - prefix
    let part = tokens.cropped(at: [0, first, 0], shape: [tokens.shape[0], count, width])
    return pooling == .classToken ? part.reshaped([-1, width]) : part.mean(axes: [1])
  }
}
