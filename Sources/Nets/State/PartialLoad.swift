/// What a partial load took, and what it left as it was.
public struct PartialLoad: Sendable, Hashable {
  /// The names whose numbers the network has now.
  public let loaded: [String]
  /// The names of the network that the state lacks; their numbers are what they were.
  public let missing: [String]
  /// The names of the state that the network lacks.
  public let unexpected: [String]
  /// The tensors that the network has and that cannot be read from the file.
  public let unreadable: [StateDict.Unreadable]

  /// Whether all of the network was loaded and all of the state was used.
  public var isComplete: Bool { missing.isEmpty && unexpected.isEmpty && unreadable.isEmpty }
}

extension PartialLoad: CustomStringConvertible {
  /// The counts, and the names that were left out on either side.
  public var description: String {
    var parts = ["loaded \(loaded.count) of \(loaded.count + missing.count + unreadable.count)"]
    if !missing.isEmpty { parts.append("the state lacks \(listed(missing))") }
    if !unexpected.isEmpty { parts.append("the network lacks \(listed(unexpected))") }
    if !unreadable.isEmpty {
      let tensors = unreadable.map { "\($0.name), for it \($0.reason)" }
      parts.append("the file has, but cannot give, \(listed(tensors))")
    }
    return parts.joined(separator: "; ")
  }
}
