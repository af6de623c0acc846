import Tensor

extension ResNet {
  /// The network in a file: one that ``save(to:)`` or `pretrain` wrote, or of torchvision, timm,
  /// lightly and others, as in ``Module/loadPretrained(from:)``.
  ///
  /// ```swift
  /// let net = try ResNet(contentsOf: "runs/1/backbone.safetensors")
  /// ```
  ///
  /// - Parameters:
  ///   - path: A safetensors file or one of torch.save's.
  ///   - classCount: The outputs of the classifier; the file's, or 1,000 if it has none. Where the
  ///     file has no classifier of so many classes, as after a training without labels, it has new
  ///     weights.
  ///   - norm: How activations are normalised, if the file does not say: one of another program's
  ///     with group norm.
  /// - Throws: `FileError` if the file cannot be read, `StateError` if it holds no such network.
  public convenience init(
    contentsOf path: String, classCount: Int? = nil, norm: Norm? = nil
  ) throws {
    let state = try StateDict(contentsOf: path)
    try self.init(of: state, from: path, classCount: classCount, norm: norm)
  }

  /// The network in the state that a file held.
  convenience init(
    of state: StateDict, from path: String, classCount: Int? = nil, norm: Norm? = nil
  ) throws {
    let architecture = try naming(path) { try Architecture(of: state, norm: norm) }
    let found = state.names.first { $0 == "fc.weight" || $0.hasSuffix(".fc.weight") }
    let classes = classCount ?? found.flatMap { state[$0]?.shape.first } ?? 1_000
    self.init(
      depth: architecture.depth, stem: architecture.stem, width: architecture.width,
      inputChannels: architecture.inputChannels, classCount: classes, norm: architecture.norm)
    _ = try naming(path) { try loadPretrained(state) }
  }

  /// What the network is made of; nil for numbers of blocks that have no name.
  public var architecture: Architecture? {
    let blocks = [layer1, layer2, layer3, layer4].map(\.layers.count)
    let depth = Depth.allCases.first { $0.blocks == blocks && $0.isBottleneck == isBottleneck }
    return depth.map {
      Architecture(
        depth: $0, stem: stem, width: width, inputChannels: inputChannels, norm: norm)
    }
  }

  /// What the network is, from which ``init(contentsOf:classCount:norm:)`` makes it.
  public var savedMetadata: [String: String] { architecture?.metadata ?? [:] }
}
