import Tensor

extension VisionTransformer {
  /// The network in a file: one that ``save(to:)`` or `pretrain` wrote, or of timm, torchvision,
  /// Hugging Face, DINO, DINOv2 or MAE.
  ///
  /// ```swift
  /// let net = try VisionTransformer(contentsOf: "dino_deitsmall16_pretrain.pth")
  /// ```
  ///
  /// - Parameters:
  ///   - path: A safetensors file or one of torch.save's.
  ///   - classCount: The outputs of the classifier; the file's, or 1,000 if it has none. Where the
  ///     file has no classifier of so many classes it has new weights.
  ///   - headCount: The heads, if the file does not say and they are not of 64 features each.
  /// - Throws: `FileError` if the file cannot be read, `StateError` if it holds no such network.
  public convenience init(
    contentsOf path: String, classCount: Int? = nil, headCount: Int? = nil
  ) throws {
    let state = try StateDict(contentsOf: path)
    try self.init(of: state, from: path, classCount: classCount, headCount: headCount)
  }

  /// The network in the state that a file held.
  convenience init(
    of state: StateDict, from path: String, classCount: Int? = nil, headCount: Int? = nil
  ) throws {
    let architecture = try naming(path) { try Architecture(of: state, headCount: headCount) }
    let classes = classCount ?? Architecture.part(of: state)?["head.weight"]?.shape.first
    self.init(architecture, classCount: classes ?? 1_000)
    _ = try naming(path) { try loadPretrained(state) }
  }

  /// What names and shapes in a file do not say of the network.
  public var savedMetadata: [String: String] { architecture.metadata }
}
