import Files
import Foundation

/// The rows of a file of comma-separated values (RFC 4180): fields in quotes may hold commas, line
/// breaks and doubled quotes; a line ends with LF or CRLF.
struct CSVTable {
  /// A row that is not empty.
  struct Row {
    let fields: [String]
    /// The line that it begins in, from 1 on.
    let line: Int
  }

  private(set) var rows: [Row] = []
  private let path: String

  /// Reads the bytes of the file at `path`.
  ///
  /// - Throws: ``FileError`` if they are no UTF-8 or quotes do not match.
  init(_ bytes: [UInt8], path: String) throws {
    self.path = path
    let mark: [UInt8] = [0xef, 0xbb, 0xbf]
    var reader = Reader(rest: (bytes.starts(with: mark) ? bytes[mark.count...] : bytes[...]))
    while !reader.rest.isEmpty {
      let line = reader.line
      let fields = try reader.row(path).map { try Self.text($0, line: line, path) }
      if fields != [""] { rows.append(Row(fields: fields, line: line)) }
    }
  }

  private static func text(_ bytes: [UInt8], line: Int, _ path: String) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let shown = String(decoding: bytes, as: UTF8.self)
      let wrong = bytes.filter { $0 > 0x7f }.prefix(8).map { hexadecimal($0) }
      throw FileError(
        path,
        "line \(line): needs text in UTF-8; \"\(shown)\" has the bytes "
          + wrong.joined(separator: " "), .damaged)
    }
    return text
  }

  private struct Reader {
    var rest: ArraySlice<UInt8>
    var line = 1

    private static let (quote, comma, lineFeed, carriageReturn) = (
      UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: "\n"), UInt8(ascii: "\r")
    )

    /// The fields up to the end of the line.
    mutating func row(_ path: String) throws -> [[UInt8]] {
      var fields: [[UInt8]] = []
      while true {
        fields.append(rest.first == Self.quote ? try quoted(path) : plain())
        if rest.first == Self.comma {
          rest.removeFirst()
          continue
        }
        if rest.first == Self.carriageReturn { rest.removeFirst() }
        guard rest.isEmpty || rest.first == Self.lineFeed else {
          let next = String(decoding: rest.prefix(1), as: UTF8.self)
          throw FileError(
            path, "line \(line): needs a comma or the end of the line behind quotes; got \(next)",
            .damaged)
        }
        _ = rest.popFirst()
        line += 1
        return fields
      }
    }

    /// The bytes up to a comma or the end of the line.
    private mutating func plain() -> [UInt8] {
      let end = rest.firstIndex { $0 == Self.comma || $0 == Self.lineFeed } ?? rest.endIndex
      var field = rest[..<end]
      rest = rest[end...]
      if rest.first != Self.comma, field.last == Self.carriageReturn { field.removeLast() }
      return Array(field)
    }

    /// The bytes between quotes, of which two stand for one.
    private mutating func quoted(_ path: String) throws -> [UInt8] {
      let start = line
      rest.removeFirst()
      var field: [UInt8] = []
      while let byte = rest.popFirst() {
        if byte == Self.lineFeed { line += 1 }
        if byte == Self.quote {
          guard rest.first == Self.quote else { return field }
          rest.removeFirst()
        }
        field.append(byte)
      }
      throw FileError(path, "line \(start): needs a quote that ends what a quote begins", .damaged)
    }
  }
}

/// A line of a file of comma-separated values, with quotes around what needs them.
package func csvLine(_ fields: [String]) -> String {
  fields.map { field in
    let isPlain = field.utf8.allSatisfy { ![0x22, 0x2c, 0x0a, 0x0d].contains($0) }
    return isPlain ? field : "\"\(field.replacingOccurrences(of: "\"", with: "\"\""))\""
  }.joined(separator: ",") + "\n"
}
