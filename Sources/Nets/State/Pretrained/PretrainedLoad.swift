/// What ``Module/loadPretrained(_:)`` took from a file, and where it found it.
public struct PretrainedLoad: Sendable, Hashable {
  /// The names whose numbers the network has now.
  public let loaded: [String]
  /// The classifier's names, if the file has none or one of other classes: its numbers are what they
  /// were.
  public let leftOut: [String]
  /// The tensors beside the network's, under the file's names, that the network has no use for.
  public let unused: [String]
  /// What stands before the network's names in the file; empty if nothing does.
  public let prefix: String
  /// Whether the file numbers the network's children, which were taken in their order.
  public let isNumbered: Bool
  /// Other prefixes, below which there is a network that fits as well.
  public let otherPrefixes: [String]
}

extension PretrainedLoad: CustomStringConvertible {
  /// How many tensors were loaded and from where, what was left out, and what was not chosen.
  public var description: String {
    let place = prefix.isEmpty ? "" : " below \"\(prefix).\""
    let order = isNumbered ? ", its numbered layers as the network's in order" : ""
    var parts = [
      "loaded \(loaded.count) of \(loaded.count + leftOut.count) tensors\(place)\(order)"
    ]
    if !leftOut.isEmpty { parts.append("left out: \(listed(leftOut))") }
    if !unused.isEmpty { parts.append("not used: \(listed(unused))") }
    if !otherPrefixes.isEmpty {
      let others = otherPrefixes.map { $0.isEmpty ? "what has no prefix" : "\"\($0).\"" }
      parts.append("not taken: \(listed(others)), which would fit as well")
    }
    return parts.joined(separator: "; ")
  }
}
