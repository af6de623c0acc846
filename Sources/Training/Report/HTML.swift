/// Text of a page. What is interpolated as a `String` is shown as it is, whatever signs it has; what
/// is interpolated as `HTML` is part of the page.
///
/// ```swift
/// let cell: HTML = "<td>\(fileName)</td>"
/// ```
package struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
  /// The page's own signs.
  package private(set) var text: String

  package init(stringLiteral text: String) { self.text = text }

  package init(stringInterpolation parts: StringInterpolation) { text = parts.text }

  /// Text that is part of the page already: a script, or a style sheet.
  init(verbatim text: String) { self.text = text }

  /// The parts of a page.
  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    package init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity)
    }

    package mutating func appendLiteral(_ literal: String) { text += literal }
    package mutating func appendInterpolation(_ page: HTML) { text += page.text }
    package mutating func appendInterpolation(_ pages: [HTML]) {
      for page in pages { text += page.text }
    }
    package mutating func appendInterpolation(_ number: Int) { text += String(number) }
    package mutating func appendInterpolation(_ words: some StringProtocol) {
      text += HTML.escaped(words)
    }
  }

  /// Words as a page has to write them, also within quotes.
  private static func escaped(_ words: some StringProtocol) -> String {
    var result = ""
    result.reserveCapacity(words.utf8.count)
    for sign in words.unicodeScalars {
      switch sign {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      // HTML has no way to write control characters.
      case _ where sign.value < 32 && !["\n", "\t"].contains(sign): result += "\u{FFFD}"
      default: result.unicodeScalars.append(sign)
      }
    }
    return result
  }
}
