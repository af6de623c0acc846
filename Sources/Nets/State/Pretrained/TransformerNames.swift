import Tensor

extension StateDict {
  /// The same numbers under timm's names, where they are a vision transformer's of torchvision, Hugging
  /// Face or DINOv2: other tensors keep their names.
  ///
  /// Queries, keys and values that have a layer each become one.
  func withTimmNames() -> StateDict {
    renamed(timmName).joiningProjections()
  }

  /// `attn.q`, `attn.k` and `attn.v` as `attn.qkv`.
  private func joiningProjections() -> StateDict {
    let parts = Dictionary(
      entries.map { (ExactName($0.name), $0.value) }, uniquingKeysWith: { first, _ in first })
    let joined = entries.compactMap { entry -> Entry? in
      let components = entry.name.split(separator: ".", omittingEmptySubsequences: false)
      guard components.count >= 3, components[components.count - 3] == "attn",
        let letter = ["q", "k", "v"].first(where: { components[components.count - 2] == $0 })
      else { return entry }
      func name(_ letter: String) -> String {
        (components.dropLast(2) + [Substring(letter), components[components.count - 1]])
          .joined(separator: ".")
      }
      let all = ["q", "k", "v"].compactMap { parts[ExactName(name($0))] }
      guard all.count == 3, Set(all.map(\.shape)).count == 1, all[0].rank > 0 else { return entry }
      return letter == "q" ? Entry(name("qkv"), concatenated(all)) : nil
    }
    return StateDict(joined, unreadable: unreadable, metadata: metadata)
  }
}

/// What other programs call the parts of a vision transformer, and timm does.
private let rules: [(theirs: [Substring], timms: [Substring])] = [
  // torchvision
  ("class_token", "cls_token"), ("conv_proj", "patch_embed.proj"),
  ("encoder.pos_embedding", "pos_embed"), ("encoder.layers.blocks", "blocks"),
  ("ln_1", "norm1"), ("ln_2", "norm2"), ("self_attention.in_proj_weight", "attn.qkv.weight"),
  ("self_attention.in_proj_bias", "attn.qkv.bias"), ("self_attention.out_proj", "attn.proj"),
  ("mlp.0", "mlp.fc1"), ("mlp.3", "mlp.fc2"), ("mlp.linear_1", "mlp.fc1"),
  ("mlp.linear_2", "mlp.fc2"), ("encoder.ln", "norm"), ("heads.head", "head"),
  // DINOv2 and Hugging Face
  ("register_tokens", "reg_token"), ("embeddings.cls_token", "cls_token"),
  ("embeddings.position_embeddings", "pos_embed"), ("embeddings.reg_token", "reg_token"),
  ("embeddings.mask_token", "mask_token"),
  ("embeddings.patch_embeddings.projection", "patch_embed.proj"), ("encoder.layer", "blocks"),
  ("layers", "blocks"), ("layernorm_before", "norm1"), ("layernorm_after", "norm2"),
  ("attention.attention.query", "attn.q"), ("attention.attention.key", "attn.k"),
  ("attention.attention.value", "attn.v"), ("attention.q_proj", "attn.q"),
  ("attention.k_proj", "attn.k"), ("attention.v_proj", "attn.v"),
  ("attention.output.dense", "attn.proj"), ("attention.o_proj", "attn.proj"),
  ("intermediate.dense", "mlp.fc1"), ("output.dense", "mlp.fc2"),
  ("layer_scale1.lambda1", "ls1.gamma"), ("layer_scale2.lambda1", "ls2.gamma"),
  ("layernorm", "norm"), ("classifier", "head"),
].map { ($0.split(separator: "."), $1.split(separator: ".")) }

/// timm's name of a tensor; the name itself where no rule changes it.
private func timmName(_ name: String) -> String {
  let layer = "encoder_layer_"
  var parts = name.split(separator: ".", omittingEmptySubsequences: false).flatMap {
    part -> [Substring] in
    part.hasPrefix(layer) ? ["blocks", part.dropFirst(layer.count)] : [part]
  }
  for (theirs, timms) in rules {
    let starts = 0..<max(0, parts.count - theirs.count + 1)
    guard
      let start = starts.first(where: { parts[$0..<$0 + theirs.count].elementsEqual(theirs) })
    else { continue }
    parts.replaceSubrange(start..<start + theirs.count, with: timms)
  }
  return parts.joined(separator: ".")
}
