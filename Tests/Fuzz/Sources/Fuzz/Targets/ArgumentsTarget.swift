import Foundation
import FuzzedArguments

/// A command line: the words are between zeros.
struct ArgumentsTarget: Target {
  private static let flags = [
    Flag("--batch", "N", "images in a step", standard: "64"),
    Flag("--out", "DIR", "where the files go"), Flag("--resume", "goes on"),
  ]

  func seeds() throws -> [Data] {
    [Data("--batch\08\0--out=x".utf8), Data("--bacth=3\0--resume".utf8), Data("-h\0\0--".utf8)]
  }

  func read(_ input: Data) {
    let words = input.split(separator: 0, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard let arguments = try? Arguments(words, flags: Self.flags) else { return }
    for flag in Self.flags { _ = arguments.has(flag.name) }
    _ = try? arguments.integer("--batch", in: 1...64)
  }
}
