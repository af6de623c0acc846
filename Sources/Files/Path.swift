// Foundation's `deletingLastPathComponent` traps on a name of one letter.
extension String {
  /// The directory of a path: "." for a name alone.
  package var directoryOfPath: String {
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    let directory = trimmed[..<slash]
    return directory.isEmpty ? "/" : String(directory)
  }

  /// The last part of a path.
  package var nameInPath: String {
    trimmed.lastIndex(of: "/").map { String(trimmed[trimmed.index(after: $0)...]) } ?? trimmed
  }

  /// The letters behind the last dot of the last part, in lower case; empty if there are none.
  package var endingOfPath: String {
    let parts = nameInPath.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count > 1 ? parts[parts.count - 1].lowercased() : ""
  }

  private var trimmed: String {
    var path = self[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return String(path)
  }
}
