import Foundation
import Tensor

/// The numbers of a network under their dotted names, in torch's layout.
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

  /// The tensors, in order.
  public private(set) var entries: [Entry]

  /// Words that go with the numbers, such as the position of a random stream.
  public var metadata: [String: String]

  /// A state of the given entries.
  public init(_ entries: [Entry] = [], metadata: [String: String] = [:]) {
    self.entries = entries
    self.metadata = metadata
  }

  /// The names, in order.
  public var names: [String] { entries.map(\.name) }

  /// The tensor under a name.
  public subscript(name: String) -> Tensor? { entries.first { $0.name == name }?.value }

  /// Adds the entries of another state below a prefix.
  public mutating func merge(_ state: StateDict, prefix: String) {
    entries += state.entries.map {
      Entry(joined(prefix, $0.name), $0.value, elementType: $0.elementType)
    }
    for (name, note) in state.metadata { metadata[joined(prefix, name)] = note }
  }

  /// The entries below a prefix, without it.
  public func scoped(to prefix: String) -> StateDict {
    func name(_ full: String) -> String? {
      full.hasPrefix(prefix + ".") ? String(full.dropFirst(prefix.count + 1)) : nil
    }
    return StateDict(
      entries.compactMap { entry in
        name(entry.name).map { Entry($0, entry.value, elementType: entry.elementType) }
      },
      metadata: Dictionary(
        uniqueKeysWithValues: metadata.compactMap { key, note in name(key).map { ($0, note) } }))
  }
}

/// A state does not fit what it is loaded into; nothing was changed. Of a network's state
/// ``Module/load(_:partially:)`` takes what fits.
public struct StateError: Error, CustomStringConvertible, LocalizedError {
  /// Names the network has and the state lacks.
  public var missing: [String] = []
  /// Names the state has and the network lacks.
  public var unexpected: [String] = []
  /// Names whose shapes differ: the network's, then the state's.
  public var mismatched: [(name: String, needed: TensorShape, found: TensorShape)] = []
  /// Names of numbers that cannot be: what is needed, then the state's.
  public var impossible: [(name: String, needed: String, found: String)] = []

  /// The file that the state was read from, if it was.
  public var path: String?

  /// An error that names what is wrong.
  public init(
    missing: [String] = [], unexpected: [String] = [],
    mismatched: [(name: String, needed: TensorShape, found: TensorShape)] = [],
    impossible: [(name: String, needed: String, found: String)] = []
  ) {
    self.missing = missing
    self.unexpected = unexpected
    self.mismatched = mismatched
    self.impossible = impossible
  }

  /// Whether nothing is wrong.
  package var isEmpty: Bool {
    missing.isEmpty && unexpected.isEmpty && mismatched.isEmpty && impossible.isEmpty
  }

  /// The same error of a part that is known under a prefix.
  public func prefixed(by prefix: String) -> StateError {
    StateError(
      missing: missing.map { joined(prefix, $0) },
      unexpected: unexpected.map { joined(prefix, $0) },
      mismatched: mismatched.map { (joined(prefix, $0.name), $0.needed, $0.found) },
      impossible: impossible.map { (joined(prefix, $0.name), $0.needed, $0.found) })
  }

  /// The description.
  public var errorDescription: String? { description }

  /// What is missing, unexpected, of another shape or impossible.
  public var description: String {
    var parts: [String] = []
    if !missing.isEmpty { parts.append("lacks \(listed(missing))") }
    if !unexpected.isEmpty { parts.append("has \(listed(unexpected)), which is not wanted") }
    if !mismatched.isEmpty {
      let shapes = mismatched.map { "\($0.name) needs shape \($0.needed), got \($0.found)" }
      parts.append("has other shapes: \(listed(shapes))")
    }
    if !impossible.isEmpty {
      let numbers = impossible.map { "\($0.name) needs \($0.needed), got \($0.found)" }
      parts.append("has impossible numbers: \(listed(numbers))")
    }
    return "\(path ?? "the state") does not fit: it " + parts.joined(separator: "; it ")
  }

  private func listed(_ names: [String]) -> String {
    let rest = names.count > 8 ? " and \(names.count - 8) more" : ""
    return names.prefix(8).joined(separator: ", ") + rest
  }
}
