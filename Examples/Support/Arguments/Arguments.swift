import Foundation

/// One flag of a command line.
package struct Flag: Sendable {
  package let name: String
  package let placeholder: String?
  package let help: String
  package let standard: String?

  /// A flag with a value.
  package init(_ name: String, _ placeholder: String, _ help: String, standard: String? = nil) {
    self.name = name
    self.placeholder = placeholder
    self.help = help
    self.standard = standard
  }

  /// A flag that is there or not.
  package init(_ name: String, _ help: String) {
    self.name = name
    placeholder = nil
    self.help = help
    standard = nil
  }
}

/// A command line cannot be understood.
package struct UsageError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// A command line read against the flags a program has.
package struct Arguments: Sendable {
  private let flags: [Flag]
  private var values: [String: String] = [:]
  /// The values of each flag, in their order; the last one counts where only one can.
  private var all: [String: [String]] = [:]

  /// Reads `words`, such as `["--batch", "64", "--size=32"]`.
  package init(_ words: [String], flags: [Flag]) throws {
    self.flags = flags
    var rest = words[...]
    while let word = rest.popFirst() {
      // "--out=" has a value too, an empty one.
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map(String.init)
      guard let name = parts.first, let flag = flags.first(where: { $0.name == name }) else {
        throw UsageError(unknown(word, among: flags.map(\.name)))
      }
      guard flag.placeholder != nil else {
        guard parts.count == 1 else { throw UsageError("\(name) takes no value; got \"\(word)\"") }
        values[name] = "yes"
        continue
      }
      guard let value = parts.count > 1 ? parts[1] : rest.popFirst() else {
        throw UsageError("\(name) needs a value: \(flag.help)")
      }
      values[name] = value
      all[name, default: []].append(value)
    }
  }

  /// Whether the command line names a flag.
  package func has(_ name: String) -> Bool { values[name] != nil }

  /// Whether the command line names no flags but these.
  package func hasOnly(_ names: [String]) -> Bool { values.keys.allSatisfy(names.contains) }

  /// The value of a flag, or its standard one.
  package func string(_ name: String) -> String? {
    values[name] ?? flags.first { $0.name == name }?.standard
  }

  /// The path of a flag, where a tilde that the shell left alone stands for the home directory.
  ///
  /// - Throws: ``UsageError`` if it is empty.
  package func path(_ name: String) throws -> String? {
    try string(name).map { try whole($0, of: name) }
  }

  /// The paths of a flag that may be there several times, or its standard one.
  ///
  /// - Throws: ``UsageError`` if one is empty.
  package func paths(_ name: String) throws -> [String] {
    try (all[name] ?? string(name).map { [$0] } ?? []).map { try whole($0, of: name) }
  }

  /// The values of a flag that may be there several times.
  package func strings(_ name: String) -> [String] { all[name] ?? [] }

  private func whole(_ path: String, of name: String) throws -> String {
    guard !path.isEmpty else { throw UsageError("\(name) needs a path; got none") }
    guard path == "~" || path.hasPrefix("~/") else { return path }
    let home = ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()
    return home + path.dropFirst()
  }

  /// The value of a flag that is one of a few words.
  package func choice(_ name: String, of choices: [String]) throws -> String {
    let value = string(name) ?? ""
    guard choices.contains(value) else { throw wrongChoice(name, choices) }
    return value
  }

  /// The value of a flag that is one of an enumeration's words.
  package func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ name: String, of type: Choice.Type = Choice.self
  ) throws -> Choice {
    guard let choice = string(name).flatMap(Choice.init) else {
      throw wrongChoice(name, Choice.allCases.map(\.rawValue))
    }
    return choice
  }

  private func wrongChoice(_ name: String, _ choices: [String]) -> UsageError {
    UsageError(
      "\(name) needs one of \(choices.joined(separator: ", ")); got \"\(string(name) ?? "")\"")
  }

  /// The whole number of a flag that has a value or a standard one.
  package func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int {
    guard let value = try optionalInteger(name, in: range) else {
      throw UsageError("\(name) needs a value")
    }
    return value
  }

  /// The whole number of a flag, if it has one.
  package func optionalInteger(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let text = string(name) else { return nil }
    guard let value = Int(text), range.contains(value) else {
      let bounds =
        range.upperBound == .max
        ? "of \(range.lowerBound) or more" : "in \(range.lowerBound)...\(range.upperBound)"
      throw UsageError("\(name) needs a whole number \(bounds); got \"\(text)\"")
    }
    return value
  }

  /// The number of a flag that has a value or a standard one, which must be above zero.
  package func positive(_ name: String) throws -> Float {
    guard let value = try optionalPositive(name) else { throw UsageError("\(name) needs a value") }
    return value
  }

  /// The number of a flag, if it has one.
  package func optionalNumber(_ name: String, in range: ClosedRange<Float>) throws -> Float? {
    guard let text = string(name) else { return nil }
    guard let value = Float(text), range.contains(value) else {
      throw UsageError(
        "\(name) needs a number in \(range.lowerBound)...\(range.upperBound); got \"\(text)\"")
    }
    return value
  }

  /// The number of a flag, if it has one, which must be above zero.
  package func optionalPositive(
    _ name: String, atMost most: Float = .greatestFiniteMagnitude
  ) throws -> Float? {
    guard let text = string(name) else { return nil }
    guard let value = Float(text), value > 0, value <= most else {
      let limit = most == .greatestFiniteMagnitude ? "" : ", at most \(Int(most))"
      throw UsageError("\(name) needs a number above zero\(limit); got \"\(text)\"")
    }
    return value
  }
}

extension [Flag] {
  /// A line for each flag.
  package var help: String {
    let heads = map { $0.name + ($0.placeholder.map { " " + $0 } ?? "") }
    let width = heads.map(\.count).max() ?? 0
    return zip(self, heads).map { flag, head in
      let gap = String(repeating: " ", count: width - head.count + 2)
      return "  " + head + gap + flag.help + (flag.standard.map { " [\($0)]" } ?? "")
    }.joined(separator: "\n")
  }
}

/// How many steps the command line's first word asks for: all that the tutorials read.
package func stepCount(standard: Int) -> Int {
  guard let word = CommandLine.arguments.dropFirst().first else { return standard }
  guard let steps = Int(word), steps > 0 else {
    complain("needs a number of steps; got \"\(word)\"")
    exit(64)
  }
  return steps
}

private func unknown(_ word: String, among names: [String]) -> String {
  guard word.hasPrefix("-") else { return "unexpected word \"\(word)\"; flags begin with --" }
  let name = word.split(separator: "=").first.map(String.init) ?? word
  // Nobody types so long a word by mistake, and it would take long to compare.
  guard name.count <= 40 else { return "there is no flag \(name.prefix(40))…" }
  let closest = names.map { (name: $0, distance: distance($0, name)) }
    .min { $0.distance < $1.distance }
  // What shares less with a word is another word.
  let isLike = closest.map { $0.distance <= max(2, name.count / 3) } ?? false
  return "there is no flag \(name)"
    + (isLike ? closest.map { "; did you mean \($0.name)?" } ?? "" : "")
}

/// How many letters two words do not share, counted with repetition: enough for a typing error.
private func distance(_ a: String, _ b: String) -> Int {
  Array(a).difference(from: Array(b)).count
}
