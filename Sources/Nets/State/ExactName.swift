/// A name that equals another if their bytes do, unlike `String`, which takes canonically
/// equivalent letters for one.
package struct ExactName: Hashable, Sendable {
  package let name: String

  package init(_ name: String) { self.name = name }

  package static func == (a: ExactName, b: ExactName) -> Bool {
    a.name.utf8.elementsEqual(b.name.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    for byte in name.utf8 { hasher.combine(byte) }
    hasher.combine(0xff as UInt8)
  }
}

extension String {
  /// The rest of a dotted name below `prefix`, compared by bytes: a mark that combines with the dot
  /// is part of the rest.
  package func below(_ prefix: String) -> String? {
    let start = prefix.utf8.count
    guard utf8.count > start, utf8.starts(with: prefix.utf8),
      utf8[utf8.index(utf8.startIndex, offsetBy: start)] == UInt8(ascii: ".")
    else { return nil }
    return String(decoding: utf8.dropFirst(start + 1), as: UTF8.self)
  }
}

extension Sequence<String> {
  /// Each name that comes more than once, with how often.
  func repeated() -> [(name: String, count: Int)] {
    var counts: [ExactName: Int] = [:]
    let names = filter { name in
      counts[ExactName(name), default: 0] += 1
      return counts[ExactName(name)] == 2
    }
    return names.map { ($0, counts[ExactName($0)] ?? 0) }
  }
}
