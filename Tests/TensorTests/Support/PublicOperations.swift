import Foundation

/// The public functions, operators and subscripts of Sources/Tensor/Operations, read from its text.
enum PublicOperations {
  /// Names such as `crossEntropy(Tensor, probabilities:)`: unlabeled types, then labels.
  static func names() throws -> Set<String> {
    let here = URL(fileURLWithPath: #filePath)
    let package = (0..<4).reduce(here) { url, _ in url.deletingLastPathComponent() }
    let folder = package.appending(path: "Sources/Tensor/Operations")
    let files = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil
    ).filter { $0.pathExtension == "swift" }
    return try files.reduce(into: []) { names, file in
      names.formUnion(declarations(in: try String(contentsOf: file, encoding: .utf8)))
    }
  }

  static func declarations(in text: String) -> [String] {
    let start =
      /public (?:static |prefix |mutating )*(?:func\s+|(?=subscript))(\w+|[^\w\s(]+)[^(]*\(/
    return text.matches(of: start).map { match in
      let parameters = splitAtCommas(text[match.range.upperBound...])
      return "\(match.output.1)(" + parameters.map(shortened).joined(separator: ", ") + ")"
    }
  }

  /// The parameters up to the closing parenthesis, split where no bracket is open.
  private static func splitAtCommas(_ text: Substring) -> [String] {
    var (parts, depth) = ([""], 0)
    for character in text {
      if "([".contains(character) { depth += 1 }
      if ")]".contains(character) { depth -= 1 }
      if depth < 0 { break }
      if character == ",", depth == 0 {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    return parts.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.filter { !$0.isEmpty }
  }

  /// `axis: Int = -1` to `axis:`, `_ x: Tensor` and an operator's `a: Tensor` to `Tensor`.
  private static func shortened(_ parameter: String) -> String {
    guard let colon = parameter.firstIndex(of: ":") else { return parameter }
    let names = parameter[..<colon].split(separator: " ")
    let type = parameter[parameter.index(after: colon)...]
      .prefix { $0 != "=" }.trimmingCharacters(in: .whitespaces)
    let isUnlabeled = names.count == 2 ? names[0] == "_" : ["a", "b", "x"].contains(names[0])
    return isUnlabeled || names[0] == "index" || names[0] == "range" ? type : "\(names[0]):"
  }
}
