import Tensor

/// What to call instead of a load of `state` that failed with `error`, or nil if no call is likely to
/// fit a network that holds `needed`.
func advice(
  for needed: [StateDict.Entry], from state: StateDict, _ error: StateError
) -> String? {
  let advisor = StateAdvisor(needed: needed, state: state)
  return advisor.outerPrefix ?? advisor.innerPrefix ?? advisor.sameOrder
    ?? advisor.removal(error).map { "load(state\($0), partially: true) leaves these out" }
}

/// Compares the names of a network and of a state that does not fit.
private struct StateAdvisor {
  /// The network's tensors, without counts of batches.
  let needed: [StateDict.Entry]
  let state: StateDict
  private let names: Set<ExactName>
  /// How many of the network's names the state has.
  private let sharedCount: Int

  init(needed: [StateDict.Entry], state: StateDict) {
    self.needed = needed.filter { $0.elementType == .float32 }
    self.state = state
    let names = Set(self.needed.map { ExactName($0.name) })
    self.names = names
    sharedCount = state.names.count { names.contains(ExactName($0)) }
  }

  /// The state is below a prefix, as those of other frameworks and of checkpoints are.
  var outerPrefix: String? {
    guard
      let (prefix, count) = bestPrefix(of: state.names, where: { names.contains(ExactName($1)) }),
      count > sharedCount, 2 * count > needed.count
    else { return nil }
    let part = state.scoped(to: prefix)
    let found = Dictionary(
      part.entries.map { (ExactName($0.name), $0.value.shape) }, uniquingKeysWith: { $1 })
    var error = StateError()
    for entry in needed {
      guard let shape = found[ExactName(entry.name)] else { continue }
      if shape != entry.value.shape {
        error.mismatched.append((entry.name, entry.value.shape, shape))
      }
    }
    let removal = removal(error) ?? ""
    let isWhole =
      count == needed.count && error.mismatched.isEmpty
      && part.withoutCounts.count == needed.count
    let call =
      "load(state.scoped(to: \"\(prefix)\")\(removal)\(isWhole ? "" : ", partially: true"))"
    let others =
      error.mismatched.isEmpty || !removal.isEmpty
      ? "" : ", \(error.mismatched.count) of them with other shapes"
    return "\(amount(count, of: needed.count)) names fit below \"\(prefix)\"\(others): \(call)"
  }

  /// The state is that of a part of the network.
  var innerPrefix: String? {
    let tensors = state.withoutCounts
    let shapes = Dictionary(
      tensors.map { (ExactName($0.name), $0.value.shape) }, uniquingKeysWith: { $1 })
    // Shapes count too: every layer has a "weight".
    let best = bestPrefix(of: needed.map(\.name)) { index, name in
      shapes[ExactName(name)] == needed[index].value.shape
    }
    guard let (prefix, count) = best, count > sharedCount, 2 * count > tensors.count else {
      return nil
    }
    return "\(amount(count, of: tensors.count)) of its names fit the network's part \"\(prefix)\": "
      + "load(state.renamed { \"\(prefix).\" + $0 }, partially: true)"
  }

  /// The state's tensors have other names and the network's shapes in the same order.
  var sameOrder: String? {
    let tensors = state.withoutCounts
    guard !needed.isEmpty, sharedCount < needed.count,
      tensors.map(\.value.shape) == needed.map(\.value.shape)
    else { return nil }
    return "its \(needed.count) tensors have the network's shapes in the same order: if they are "
      + "the same layers, load(state.renamed(inOrderOf: net.state))"
  }

  /// The calls that leave out what has other shapes; nil if that is nothing, or more than a few
  /// layers.
  func removal(_ error: StateError) -> String? {
    guard error.impossible.isEmpty, error.unreadable.isEmpty else { return nil }
    var layers: [String] = []
    for name in error.mismatched.map(\.name) {
      let parts = name.split(separator: ".")
      let layer = parts.count > 1 ? parts.dropLast().joined(separator: ".") : name
      if !layers.contains(layer) { layers.append(layer) }
      guard layers.count <= 3 else { return nil }
    }
    return layers.isEmpty ? nil : layers.map { ".removing(\"\($0)\")" }.joined()
  }

  private func amount(_ count: Int, of all: Int) -> String {
    count == all ? "all \(all)" : "\(count) of \(all)"
  }
}

/// The dotted prefix without which most of `names` fit, the first of several.
private func bestPrefix(
  of names: [String], where fits: (_ index: Int, _ rest: String) -> Bool
) -> (prefix: String, count: Int)? {
  var counts = PrefixCounts()
  for (index, name) in names.enumerated() {
    for (prefix, rest) in dottedParts(of: name) where fits(index, rest) { counts.add(prefix) }
  }
  let most = counts.entries.map(\.count).max()
  return counts.entries.first { $0.count == most }
}
