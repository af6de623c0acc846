import Tensor

/// The numbers of a network under their dotted names, in torch's layout.
///
/// Names are compared by their bytes, as in files: two spellings of an accent are two names.
public struct StateDict: Sendable {
  /// One tensor of a state.
  public struct Entry: Sendable {
    /// The dotted name.
    public let name: String
    /// The numbers, kernels as [outputs, inputs, height, width].
    public let value: Tensor
    /// How they are stored in a file.
    public let elementType: Buffer.ElementType

    /// An entry of a state.
    public init(_ name: String, _ value: Tensor, elementType: Buffer.ElementType = .float32) {
      self.name = name
      self.value = value.detached
      self.elementType = elementType
    }
  }

  /// A tensor of a file that cannot be read, beside others that can.
  public struct Unreadable: Sendable, Hashable {
    /// The dotted name.
    public let name: String
    /// Why it cannot be read, after "it".
    public let reason: String
  }

  /// The tensors, in order.
  public private(set) var entries: [Entry]

  /// The tensors of the file that are not among ``entries``, for their numbers are of a kind that
  /// 32-bit floats cannot hold.
  public private(set) var unreadable: [Unreadable]

  /// Words that go with the numbers, such as the position of a random stream.
  public var metadata: [String: String]

  /// A state of the given entries.
  public init(_ entries: [Entry] = [], metadata: [String: String] = [:]) {
    self.init(entries, unreadable: [], metadata: metadata)
  }

  init(_ entries: [Entry], unreadable: [Unreadable], metadata: [String: String]) {
    self.entries = entries
    self.unreadable = unreadable
    self.metadata = metadata
  }

  /// The names, in order.
  public var names: [String] { entries.map(\.name) }

  /// The tensor under a name.
  public subscript(name: String) -> Tensor? {
    entries.first { ExactName($0.name) == ExactName(name) }?.value
  }

  /// The tensor under a name.
  ///
  /// - Throws: ``StateError`` if there is none, or the file's cannot be read: it says why.
  public func tensor(named name: String) throws -> Tensor {
    if let value = self[name] { return value }
    var error = StateError()
    error.noteAbsence(of: name, in: self)
    throw error
  }
}

// MARK: - Parts and names

extension StateDict {
  /// Adds the entries of another state below a prefix.
  public mutating func merge(_ state: StateDict, prefix: String) {
    let renamed = state.renamed { joined(prefix, $0) }
    entries += renamed.entries
    unreadable += renamed.unreadable
    for (name, note) in state.metadata { metadata[joined(prefix, name)] = note }
  }

  /// The entries below a prefix, without it.
  public func scoped(to prefix: String) -> StateDict {
    StateDict(
      entries.compactMap { entry in entry.name.below(prefix).map { entry.renamed($0) } },
      unreadable: unreadable.compactMap { tensor in
        tensor.name.below(prefix).map { Unreadable(name: $0, reason: tensor.reason) }
      },
      metadata: Dictionary(
        metadata.compactMap { key, note in key.below(prefix).map { ($0, note) } },
        uniquingKeysWith: { $1 }))
  }

  /// The state without the tensor of a name and those below it: `state.removing("fc")` is a network
  /// without its classifier.
  public func removing(_ prefix: String) -> StateDict {
    func isKept(_ name: String) -> Bool {
      ExactName(name) != ExactName(prefix) && name.below(prefix) == nil
    }
    return StateDict(
      entries.filter { isKept($0.name) }, unreadable: unreadable.filter { isKept($0.name) },
      metadata: metadata)
  }

  /// The same numbers under other names.
  public func renamed(_ newName: (String) -> String) -> StateDict {
    StateDict(
      entries.map { $0.renamed(newName($0.name)) },
      unreadable: unreadable.map { Unreadable(name: newName($0.name), reason: $0.reason) },
      metadata: metadata)
  }

  /// The same numbers under the names of another state, tensor by tensor in their order: for files
  /// whose layers have numbers, or other names, for a network of the same layers.
  ///
  /// Counts of batches are left out.
  ///
  /// - Throws: ``StateError`` if the shapes, in order, are not the same.
  public func renamed(inOrderOf other: StateDict) throws -> StateDict {
    let (mine, names) = (withoutCounts, other.withoutCounts)
    var error = StateError()
    for (tensor, named) in zip(mine, names) where tensor.value.shape != named.value.shape {
      error.mismatched.append((named.name, named.value.shape, tensor.value.shape))
    }
    error.missing = names.dropFirst(mine.count).map(\.name)
    error.unexpected = mine.dropFirst(names.count).map(\.name)
    guard error.isEmpty else { throw error }
    return StateDict(zip(mine, names).map { $0.renamed($1.name) }, metadata: metadata)
  }

  /// The entries that are no counts of batches.
  var withoutCounts: [Entry] { entries.filter { $0.elementType == .float32 } }
}

extension StateDict.Entry {
  fileprivate func renamed(_ name: String) -> StateDict.Entry {
    StateDict.Entry(name, value, elementType: elementType)
  }
}
