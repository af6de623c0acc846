import Tensor

extension Module {
  /// The numbers of this network under torch's names and in its layout: a snapshot.
  public var state: StateDict { StateDict(leaves.map(\.entry)) }

  /// Takes the numbers of `state`, all of them or, if anything does not fit, none.
  ///
  /// Counts of batches, which old checkpoints lack, may be missing.
  ///
  /// - Parameters:
  ///   - state: Tensors under torch's names and in its layout.
  ///   - partially: Whether names may be missing on either side. Shapes must be the same all the
  ///     same: ``StateDict/removing(_:)`` leaves out a classifier of other classes, say.
  /// - Returns: What was loaded, and the names that were left out.
  /// - Throws: `StateError` if names or shapes differ, or partially, if shapes differ or nothing
  ///   fits.
  public func load(_ state: StateDict, partially: Bool) throws -> PartialLoad {
    let (result, change) = try plan(state, partially: partially)
    change()
    return result
  }

  /// Compares `state` with this network and changes nothing.
  ///
  /// - Returns: What takes the numbers of `state`.
  /// - Throws: `StateError` if names or shapes differ.
  public func plan(_ state: StateDict) throws -> () -> Void {
    try plan(state, partially: false).change
  }

  private func plan(
    _ state: StateDict, partially: Bool
  ) throws -> (result: PartialLoad, change: () -> Void) {
    let leaves = leaves.map { (leaf: $0, needed: $0.entry) }
    let found = Dictionary(
      state.entries.map { (ExactName($0.name), $0.value) }, uniquingKeysWith: { $1 })
    let names = Set(leaves.map { ExactName($0.needed.name) })
    var error = StateError()
    error.noteRepetitions(in: state)
    error.unexpected = (state.names + state.unreadable.map(\.name))
      .filter { !names.contains(ExactName($0)) }
    var fitting: [(leaf: Leaf, needed: StateDict.Entry, value: Tensor)] = []
    for (leaf, needed) in leaves {
      if let value = found[ExactName(needed.name)] {
        error.compare(value, with: needed)
        fitting.append((leaf, needed, value))
      } else if needed.elementType == .float32 {
        error.noteAbsence(of: needed.name, in: state)
      } else {
        error.unreadable += state.unreadable.filter { ExactName($0.name) == ExactName(needed.name) }
      }
    }
    // Counts alone are not a network's numbers.
    let isAny =
      leaves.isEmpty ? error.isEmpty : fitting.contains { $0.needed.elementType == .float32 }
    let isPartialLoad =
      partially && isAny && error.mismatched.isEmpty && error.impossible.isEmpty
    guard error.isEmpty || isPartialLoad else {
      error.advice = advice(for: leaves.map(\.needed), from: state, error)
      throw error
    }
    let result = PartialLoad(
      loaded: fitting.map(\.needed.name), missing: error.missing, unexpected: error.unexpected,
      unreadable: error.unreadable)
    return (result, { for (leaf, _, value) in fitting { leaf.set(value) } })
  }

  private var leaves: [Leaf] {
    var leaves: [Leaf] = []
    for (name, module) in namedModules {
      for member in module.members {
        switch member.content {
        case .module: continue
        case .parameter(let parameter):
          leaves.append(.parameter(joined(name, member.name), parameter))
        case .buffer(let buffer): leaves.append(.buffer(joined(name, member.name), buffer))
        }
      }
    }
    return leaves
  }
}

/// One tensor of a network's state.
private enum Leaf {
  case parameter(String, Parameter)
  case buffer(String, Buffer)

  var name: String {
    switch self {
    case .parameter(let name, _), .buffer(let name, _): name
    }
  }

  var entry: StateDict.Entry {
    switch self {
    case .parameter(let name, let parameter):
      StateDict.Entry(name, parameter.layout.stored(parameter.value.detached))
    case .buffer(let name, let buffer):
      StateDict.Entry(name, buffer.value, elementType: buffer.elementType)
    }
  }

  func set(_ value: Tensor) {
    switch self {
    case .parameter(_, let parameter): parameter.value = parameter.layout.loaded(value)
    case .buffer(_, let buffer): buffer.value = value
    }
  }
}

extension StateError {
  /// Notes if `value` has another shape than `needed`, or numbers that a file cannot hold for it.
  fileprivate mutating func compare(_ value: Tensor, with needed: StateDict.Entry) {
    if value.shape != needed.value.shape {
      mismatched.append((needed.name, needed.value.shape, value.shape))
    } else if needed.elementType == .int64,
      let number = value.withUnsafeBufferPointer({ $0.first { Int64(exactly: $0) == nil } })
    {
      impossible.append((needed.name, "integers of 64 bits", "\(number)"))
    }
  }
}

extension StateLayout {
  /// From memory's layout to the state's.
  fileprivate func stored(_ value: Tensor) -> Tensor {
    switch self {
    case .same: value
    case .channelsFirst: value.permuted([0, 3, 1, 2])
    }
  }

  /// From the state's layout to memory's.
  fileprivate func loaded(_ value: Tensor) -> Tensor {
    switch self {
    case .same: value
    case .channelsFirst: value.permuted([0, 2, 3, 1])
    }
  }
}
