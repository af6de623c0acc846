import Tensor

extension VisionTransformer.Architecture {
  /// The network that a state is of, whatever prefix its names have: what its names, shapes and
  /// metadata say.
  ///
  /// Shapes do not tell the heads: without words they are of 64 features each, as in nearly all
  /// published networks.
  ///
  /// - Parameters:
  ///   - state: A vision transformer's tensors, perhaps among others, under the names of timm,
  ///     torchvision, Hugging Face, DINO, DINOv2 or MAE.
  ///   - headCount: The heads, if the state does not say.
  /// - Throws: `StateError` if the state is of no such network.
  public init(of state: StateDict, headCount: Int? = nil) throws {
    guard let part = Self.part(of: state) else {
      throw StateError(
        reason: "has no vision transformer, whose names are patch_embed.proj, blocks.0.attn.qkv "
          + "and so on")
    }
    let names = Set(part.names.map { ExactName($0) })
    func has(_ name: String) -> Bool { names.contains(ExactName(name)) }
    try Self.checkParts(has)
    let kernel = try part.tensor(named: "patch_embed.proj.weight").shape
    guard kernel.rank == 4, kernel[2] == kernel[3], kernel.allSatisfy({ $0 > 0 }) else {
      throw StateError(
        reason: "makes patches by weights of shape \(kernel); they need [width, channels, n, n]")
    }
    let width = kernel[0]
    let hidden = try part.tensor(named: "blocks.0.mlp.fc1.weight").shape
    let heads = headCount ?? state.metadata[Key.heads].flatMap { Int($0) } ?? width / 64
    guard heads > 0, width.isMultiple(of: heads), hidden.rank == 2, hidden[0] > 0 else {
      throw StateError(
        reason: "has tokens of \(width) features, which is no multiple of "
          + "\(heads == 0 ? 64 : heads), and does not say how many heads there are: "
          + "VisionTransformer(contentsOf:headCount:) is told so")
    }
    self.init(
      patchSize: kernel[2], width: width,
      depth: (0...).prefix { has("blocks.\($0).norm1.weight") }.count, headCount: heads,
      hiddenWidth: hidden[0], grid: 1)
    inputChannels = kernel[1]
    hasClassToken = has("cls_token")
    if has("reg_token") {
      let shape = try part.tensor(named: "reg_token").shape
      guard shape.rank == 3 else { throw StateError(reason: "has registers of shape \(shape)") }
      registerCount = shape[1]
    }
    hasQKVBias = has("blocks.0.attn.qkv.bias")
    hasLayerScale = has("blocks.0.ls1.gamma")
    normalizesPooled = has("fc_norm.weight")
    pooling = hasClassToken && !normalizesPooled ? .classToken : .average
    try setPositions(part.tensor(named: "pos_embed").shape, state.metadata)
    try checkBlocks(of: part)
  }

  /// Throws unless every block's tensors are there: a network is only made if the file is as large.
  private func checkBlocks(of state: StateDict) throws {
    let shapes = Dictionary(
      state.entries.map { (ExactName($0.name), $0.value.shape) }, uniquingKeysWith: { $1 })
    var error = StateError()
    for block in 0..<depth {
      for (layer, shape) in [
        ("attn.qkv", TensorShape([3 * width, width])), ("mlp.fc1", [hiddenWidth, width]),
        ("mlp.fc2", [width, hiddenWidth]),
      ] {
        let name = "blocks.\(block).\(layer).weight"
        guard let found = shapes[ExactName(name)] else {
          error.noteAbsence(of: name, in: state)
          throw error
        }
        guard found == shape else { throw StateError(mismatched: [(name, shape, found)]) }
      }
    }
  }

  /// A vision transformer's tensors under timm's names; nil if the state has none.
  static func part(of state: StateDict) -> StateDict? {
    let names = [
      "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias", "blocks.0.norm1.weight",
      "blocks.0.attn.qkv.weight", "blocks.0.attn.proj.weight", "blocks.0.norm2.weight",
      "blocks.0.mlp.fc1.weight", "blocks.0.mlp.fc2.weight",
    ]
    let renamed = state.withTimmNames()
    guard let match = NameMatcher(names).matches(in: renamed.allNames).first,
      match.children == nil, 2 * match.count > names.count
    else { return nil }
    return renamed.part(at: match)
  }

  /// Throws if there is a part that changes what the network computes, and that this one lacks.
  private static func checkParts(_ has: (String) -> Bool) throws {
    for (name, what) in [
      ("norm_pre.weight", "a norm in front of the blocks, as CLIP's"),
      ("dist_token", "a distillation token"), ("attn_pool.latent", "a pool by attention"),
      ("blocks.0.mlp.w12.weight", "gated layers (SwiGLU)"),
    ] where has(name) {
      throw StateError(reason: "has \(what), which VisionTransformer lacks")
    }
    guard has("pos_embed") else {
      throw StateError(
        reason: "has no position embedding pos_embed: VisionTransformer has no other, such as the "
          + "rotary ones of DINOv3")
    }
  }

  /// The grid of patches, and how many tokens in front of them have a position.
  private mutating func setPositions(_ shape: TensorShape, _ words: [String: String]) throws {
    let said = words[Key.grid].map { $0.split(separator: "x").compactMap { Int($0) } } ?? []
    let count = shape.rank == 3 ? shape[1] : 0
    for positioned in [hasClassToken ? 1 : 0, prefixCount, 0] {
      let patches = count - positioned
      let side = Int(Double(max(0, patches)).squareRoot())
      let isSaid =
        said.count == 2 && said[0] > 0 && patches.isMultiple(of: said[0])
        && patches / said[0] == said[1]
      guard isSaid || (side > 0 && side * side == patches) else { continue }
      positionedPrefix = positioned
      grid = isSaid ? Size2D(height: said[0], width: said[1]) : Size2D(side)
      return
    }
    throw StateError(
      reason: "has a position embedding of shape \(shape), which is that of no square of patches "
        + "with or without the \(prefixCount) tokens in front of them")
  }
}

// MARK: - In a file's metadata

extension VisionTransformer.Architecture {
  private enum Key {
    static let (network, heads, grid) = ("network", "heads", "grid")
  }

  /// The words under which files say what their names and shapes do not: `network`
  /// (`vision_transformer`), `heads` and `grid` (`14x14`).
  public var metadata: [String: String] {
    [
      Key.network: "vision_transformer", Key.heads: "\(headCount)",
      Key.grid: "\(grid.height)x\(grid.width)",
    ]
  }
}
