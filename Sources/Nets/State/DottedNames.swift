/// The ways to split a name at one of its first dots, the shortest prefix first.
///
/// No framework nests names more deeply, and a hostile name may have any number of dots.
func dottedParts(of name: String, deepest: Int = 16) -> [(prefix: String, rest: String)] {
  name.utf8.indices.lazy.filter { name.utf8[$0] == UInt8(ascii: ".") }.prefix(deepest).map { dot in
    (String(name[..<dot]), String(name[name.utf8.index(after: dot)...]))
  }
}

/// How often each of some prefixes comes, in the order of the first times.
struct PrefixCounts {
  private var counts: [ExactName: Int] = [:]
  private var order: [String] = []

  mutating func add(_ prefix: String) {
    if counts[ExactName(prefix)] == nil { order.append(prefix) }
    counts[ExactName(prefix), default: 0] += 1
  }

  var entries: [(prefix: String, count: Int)] {
    order.map { ($0, counts[ExactName($0)] ?? 0) }
  }
}
