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
  ///   - partially: Take what fits and leave the rest as it is.
  /// - Returns: The names that were left out, on either side.
  /// - Throws: `StateError` if names or shapes differ and `partially` is false.
  @discardableResult
  public func load(_ state: StateDict, partially: Bool) throws -> [String] {
    let (left, change) = try plan(state, partially: partially)
    change()
    return left
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
  ) throws -> (left: [String], change: () -> Void) {
    let leaves = leaves
    let found = Dictionary(state.entries.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    let names = Set(leaves.map(\.name))
    var error = StateError()
    error.unexpected = state.names.filter { !names.contains($0) }
    var fitting: [(Leaf, Tensor)] = []
    for leaf in leaves {
      let needed = leaf.entry.value.shape
      guard let value = found[leaf.name] else {
        if leaf.entry.elementType == .float32 { error.missing.append(leaf.name) }
        continue
      }
      if value.shape == needed {
        fitting.append((leaf, value))
      } else {
        error.mismatched.append((leaf.name, needed, value.shape))
      }
    }
    let left = error.missing + error.unexpected + error.mismatched.map(\.name)
    guard left.isEmpty || partially else { throw error }
    return (left, { for (leaf, value) in fitting { leaf.set(value) } })
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
