/// Where in a file the tensors of a network are, and what they are called there.
struct NameMatch {
  /// What stands before the names, with a dot behind it; empty if nothing does.
  let prefix: String
  /// Whose place the file's numbers take, as those of `nn.Sequential(*net.children())`; nil if it
  /// has the network's own names.
  let children: [String: String]?
  /// How many of the network's names there are.
  let count: Int

  /// The network's name of a tensor of the file; nil if the tensor is elsewhere.
  func name(of tensor: String) -> String? {
    let rest = prefix.isEmpty ? tensor : tensor.below(prefix)
    guard let children, let rest else { return rest }
    return renamed(rest, children)
  }

  /// Under which of several prefixes that hold as many tensors is the network that people use: what
  /// was trained rather than the average that its losses need (MoCo, BYOL), and the average where
  /// the authors take it (DINO's teacher, timm's `state_dict_ema`).
  fileprivate var preference: Int {
    let words = Set(prefix.lowercased().split(whereSeparator: { $0 == "." || $0 == "_" }))
    if !words.isDisjoint(with: ["teacher", "ema"]) { return 0 }
    return words.isDisjoint(with: ["k", "key", "momentum", "target"]) ? 1 : 2
  }
}

/// Looks for the names of a network among those of a file.
struct NameMatcher {
  private let names: Set<ExactName>
  /// What the network's names begin with, in order.
  private let children: [String]

  /// A matcher for the names of a network's tensors, in order.
  init(_ names: [String]) {
    self.names = Set(names.map { ExactName($0) })
    children = names.reduce(into: []) { children, name in
      let child = firstPart(of: name)
      if children.last != child { children.append(child) }
    }
  }

  /// The places that hold most of the network's names, the one that people use first; none if no
  /// name is there.
  func matches(in fileNames: [String]) -> [NameMatch] {
    let parts = fileNames.map { [("", $0)] + dottedParts(of: $0) }
    var named = PrefixCounts()
    var numbers = Dictionary<ExactName, Set<Int>>()
    for (prefix, rest) in parts.joined() {
      if names.contains(ExactName(rest)) { named.add(prefix) }
      if let number = Int(firstPart(of: rest)), number >= 0 {
        numbers[ExactName(prefix), default: []].insert(number)
      }
    }
    let places = numbers.filter { $0.value.count > 1 }.mapValues { numbers in
      Dictionary(
        uniqueKeysWithValues: zip(numbers.sorted().map(String.init), children).map { ($0, $1) })
    }
    var numbered = PrefixCounts()
    for (prefix, rest) in parts.joined() {
      guard let children = places[ExactName(prefix)], let name = renamed(rest, children),
        names.contains(ExactName(name))
      else { continue }
      numbered.add(prefix)
    }
    let found =
      named.entries.map { NameMatch(prefix: $0, children: nil, count: $1) }
      + numbered.entries.map { prefix, count in
        NameMatch(prefix: prefix, children: places[ExactName(prefix)], count: count)
      }
    let most = found.map(\.count).max() ?? 0
    let best = found.filter { $0.count == most }
    return (0...2).flatMap { rank in best.filter { $0.preference == rank } }
  }
}

/// What stands before the first dot.
func firstPart(of name: String) -> String {
  String(decoding: name.utf8.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)
}

/// A name whose first part is a number, with the child in the number's place; nil if there is none.
private func renamed(_ name: String, _ children: [String: String]) -> String? {
  let first = firstPart(of: name)
  return children[first].map {
    $0 + String(decoding: name.utf8.dropFirst(first.utf8.count), as: UTF8.self)
  }
}
