import Tensor

extension Module {
  /// Takes the weights of a file as another program wrote it: a safetensors file, or torch.save's of
  /// a state dictionary, of a module or of a checkpoint of torchvision, timm, lightly, Lightning,
  /// MoCo, DINO, BYOL or this package; vision transformers also of DINOv2, MAE and Hugging Face.
  ///
  /// ```swift
  /// print(try net.loadPretrained(from: "moco_v2_200ep_pretrain.pth.tar"))
  /// ```
  ///
  /// See ``loadPretrained(_:)`` for what is taken.
  ///
  /// - Returns: What was loaded and from where, and what was left out: worth a line in a log.
  /// - Throws: `FileError` if the file cannot be read, `StateError` if it does not fit.
  @discardableResult
  public func loadPretrained(from path: String) throws -> PretrainedLoad {
    let state = try StateDict(contentsOf: path)
    return try naming(path) { try loadPretrained(state) }
  }

  /// Takes this network's weights from wherever they are in a state.
  ///
  /// The prefix below which they are is found (`module.`, `backbone.`, `module.encoder_q.` …), and
  /// so are layers that are numbered, as in `nn.Sequential(*list(resnet.children())[:-1])`. Of two
  /// networks that fit as well it takes the one that was trained rather than its average (MoCo's
  /// query encoder, BYOL's online network), but DINO's teacher and timm's `state_dict_ema`.
  ///
  /// The classifier, the last layer if that is linear, is left out if the state has none or one of
  /// another number of classes. All else has to be there with the right shapes. What is in the state
  /// beside the network, such as a projection head, is not used.
  ///
  /// - Parameter state: Tensors in torch's layout.
  /// - Returns: What was loaded and from where, and what was left out.
  /// - Throws: `StateError` if anything but the classifier is missing, or has another shape, or if
  ///   the state's layers hold more than the network's; nothing has changed then.
  @discardableResult
  public func loadPretrained(_ state: StateDict) throws -> PretrainedLoad {
    // Each program has names of its own for the parts of a transformer.
    let state = self is VisionTransformer ? state.withTimmNames() : state
    let needed = self.state
    let matcher = NameMatcher(needed.withoutCounts.map(\.name))
    let matches = matcher.matches(in: state.allNames)
    let plans = matches.map {
      PretrainedPlan(of: state, at: $0, for: needed, classifier: classifierName)
    }
    guard let first = plans.first else {
      var error = StateError(missing: needed.withoutCounts.map(\.name), unexpected: state.allNames)
      error.advice =
        advice(for: needed.entries, from: state, error) ?? "it has none of the network's names"
      throw error
    }
    let fitting = plans.filter(\.error.isEmpty)
    guard let plan = fitting.first else { throw first.error }
    _ = try load(StateDict(plan.entries), partially: true)
    return plan.result(
      besides: fitting.map(\.match.prefix).filter { ExactName($0) != ExactName(plan.match.prefix) })
  }

  /// The last layer, if it is linear: the one that depends on the classes.
  private var classifierName: String? {
    guard let last = namedParameters.last?.name else { return nil }
    return namedModules.last { $0.module is Linear && last.below($0.name) != nil }?.name
  }
}

extension StateDict {
  /// The names of all tensors, whether they can be read or not.
  var allNames: [String] { names + unreadable.map(\.name) }
}
