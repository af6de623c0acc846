import Foundation
import Tensor

/// A state does not fit what it is loaded into; nothing was changed.
public struct StateError: Error, CustomStringConvertible, LocalizedError {
  /// Names the network has and the state lacks.
  public var missing: [String] = []
  /// Names the state has and the network lacks.
  public var unexpected: [String] = []
  /// Names whose shapes differ: the network's, then the state's.
  public var mismatched: [(name: String, needed: TensorShape, found: TensorShape)] = []
  /// Names of numbers that cannot be: what is needed, then the state's.
  public var impossible: [(name: String, needed: String, found: String)] = []
  /// Tensors that the file has and that cannot be read.
  public var unreadable: [StateDict.Unreadable] = []
  /// What else is wrong, after "it".
  public var reason: String?
  /// What would fit, if there is a way.
  public var advice: String?

  /// The file that the state was read from, if it was.
  public var path: String?

  /// An error that names what is wrong.
  public init(
    missing: [String] = [], unexpected: [String] = [],
    mismatched: [(name: String, needed: TensorShape, found: TensorShape)] = [],
    impossible: [(name: String, needed: String, found: String)] = [],
    unreadable: [StateDict.Unreadable] = [], reason: String? = nil
  ) {
    self.missing = missing
    self.unexpected = unexpected
    self.mismatched = mismatched
    self.impossible = impossible
    self.unreadable = unreadable
    self.reason = reason
  }

  /// Whether nothing is wrong.
  package var isEmpty: Bool {
    missing.isEmpty && unexpected.isEmpty && mismatched.isEmpty && impossible.isEmpty
      && unreadable.isEmpty && reason == nil
  }

  /// Notes that a tensor is needed which `state` lacks, or whose numbers it could not read.
  package mutating func noteAbsence(of name: String, in state: StateDict) {
    if let tensor = state.unreadable.first(where: { ExactName($0.name) == ExactName(name) }) {
      unreadable.append(tensor)
    } else {
      missing.append(name)
    }
  }

  /// Notes names that come more than once in `state`.
  package mutating func noteRepetitions(in state: StateDict) {
    for (name, count) in state.names.repeated() {
      impossible.append((name, "one tensor", "\(count) of this name"))
    }
  }

  /// The same error of a part that is known under a prefix.
  public func prefixed(by prefix: String) -> StateError {
    var error = StateError(
      missing: missing.map { joined(prefix, $0) },
      unexpected: unexpected.map { joined(prefix, $0) },
      mismatched: mismatched.map { (joined(prefix, $0.name), $0.needed, $0.found) },
      impossible: impossible.map { (joined(prefix, $0.name), $0.needed, $0.found) },
      unreadable: unreadable.map { .init(name: joined(prefix, $0.name), reason: $0.reason) })
    (error.reason, error.advice, error.path) = (reason, advice, path)
    return error
  }
}

// MARK: - In words

extension StateError {
  /// The description.
  public var errorDescription: String? { description }

  /// What is missing, unexpected, of another shape, impossible or unreadable, and what would fit.
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
    if !unreadable.isEmpty {
      let tensors = unreadable.map { "\($0.name), for it \($0.reason)" }
      parts.append("has tensors that cannot be read: \(listed(tensors))")
    }
    if let reason { parts.append(reason) }
    if parts.isEmpty { parts.append("has no tensor") }
    return "\(path ?? "the state") does not fit: it " + parts.joined(separator: "; it ")
      + (advice.map { "; \($0)\(source)" } ?? "")
  }

  private var source: String {
    path.map { ", where state is StateDict(contentsOf: \"\($0)\")" } ?? ""
  }
}

/// The first eight, and how many more there are.
func listed(_ names: [String]) -> String {
  let rest = names.count > 8 ? " and \(names.count - 8) more" : ""
  return names.prefix(8).joined(separator: ", ") + rest
}
