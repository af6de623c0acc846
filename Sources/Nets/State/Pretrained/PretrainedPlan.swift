import Tensor

/// What a network takes of a state at one place in it.
struct PretrainedPlan {
  let match: NameMatch
  /// What the network takes, under its names.
  private(set) var entries: [StateDict.Entry] = []
  /// Why it cannot be taken; empty if it can.
  private(set) var error = StateError()
  private var leftOut: [String] = []
  private var unused: [String] = []

  /// Compares a state with what a network needs.
  ///
  /// - Parameters:
  ///   - state: The file's tensors.
  ///   - match: Where the network is among them.
  ///   - needed: The network's own state.
  ///   - classifier: The layer that depends on the classes, if there is one.
  init(
    of state: StateDict, at match: NameMatch, for needed: StateDict, classifier: String?
  ) {
    self.match = match
    let part = state.part(at: match)
    let found = Dictionary(
      part.entries.map { (ExactName($0.name), $0) }, uniquingKeysWith: { $1 })
    for entry in needed.entries {
      let isOfClassifier = classifier.map { entry.name.below($0) != nil } ?? false
      take(found[ExactName(entry.name)], for: entry, isOfClassifier: isOfClassifier, part)
    }
    noteRest(of: state, beside: needed.withoutCounts.map(\.name), classifier)
  }

  private mutating func take(
    _ found: StateDict.Entry?, for needed: StateDict.Entry, isOfClassifier: Bool, _ part: StateDict
  ) {
    guard let found else {
      guard needed.elementType == .float32 else { return }
      if isOfClassifier {
        leftOut.append(needed.name)
      } else {
        error.noteAbsence(of: needed.name, in: part)
      }
      return
    }
    let (shape, other) = (needed.value.shape, found.value.shape)
    if shape == other {
      entries.append(found)
    } else if isOfClassifier, shape.dropFirst().elementsEqual(other.dropFirst()) {
      leftOut.append(needed.name)
    } else {
      error.mismatched.append((needed.name, shape, other))
    }
  }

  /// Notes what the state has besides: within the network's layers it makes another network of it.
  private mutating func noteRest(
    of state: StateDict, beside names: [String], _ classifier: String?
  ) {
    let known = Set(names.map { ExactName($0) })
    let taken = Set(entries.map { ExactName($0.name) })
    let layers = Set(names.map { ExactName(firstPart(of: $0)) })
    let counts = Set(state.entries.filter { $0.elementType != .float32 }.map { ExactName($0.name) })
    for tensor in state.allNames where !counts.contains(ExactName(tensor)) {
      guard let name = match.name(of: tensor), !taken.contains(ExactName(name)) else { continue }
      let isOfClassifier = classifier.map { name.below($0) != nil } ?? false
      if isOfClassifier || !layers.contains(ExactName(firstPart(of: name))) {
        unused.append(tensor)
      } else if !known.contains(ExactName(name)) {
        error.unexpected.append(name)
      }
    }
  }

  /// What there is to say of it.
  func result(besides otherPrefixes: [String]) -> PretrainedLoad {
    PretrainedLoad(
      loaded: entries.filter { $0.elementType == .float32 }.map(\.name), leftOut: leftOut,
      unused: unused, prefix: match.prefix, isNumbered: match.children != nil,
      otherPrefixes: otherPrefixes)
  }
}

extension StateDict {
  /// The tensors at a place, under the network's names.
  func part(at match: NameMatch) -> StateDict {
    StateDict(
      entries.compactMap { entry in
        match.name(of: entry.name).map {
          Entry($0, entry.value, elementType: entry.elementType)
        }
      },
      unreadable: unreadable.compactMap { tensor in
        match.name(of: tensor.name).map { Unreadable(name: $0, reason: tensor.reason) }
      }, metadata: [:])
  }
}
