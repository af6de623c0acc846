import Foundation
import XCTest

/// What articles show is what the package does.
final class ArticleTests: XCTestCase {
  private let package = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
    url.deletingLastPathComponent()
  }

  /// Every snippet is a run of lines of some file that is compiled.
  func testSnippetsAreCutFromTheSources() throws {
    let sources = try ["Sources/SelfSupervised", "Tests/SelfSupervisedTests", "Examples"].flatMap {
      try files(in: $0, ending: "swift").map { lines(of: try text($0)) }
    }
    var count = 0
    for article in try files(in: "Sources/SelfSupervised", ending: "md") {
      let snippets = try text(article).components(separatedBy: "```swift\n").dropFirst()
        .compactMap { $0.components(separatedBy: "```").first }
      count += snippets.count
      for snippet in snippets {
        let wanted = lines(of: snippet)
        let isCut = sources.contains { source in
          source.indices.contains { source[$0...].starts(with: wanted) }
        }
        XCTAssertTrue(isCut, "\(article.lastPathComponent) shows what no source has:\n\(snippet)")
      }
    }
    XCTAssertGreaterThan(count, 0)
  }

  /// A name such as `ArticleTests.testNamedTestsExist` is a function of the file of that name.
  func testNamedTestsExist() throws {
    var tests: [String: String] = [:]
    for file in try files(in: "Tests", ending: "swift") {
      tests[file.deletingPathExtension().lastPathComponent] = try text(file)
    }
    var count = 0
    for article in try files(in: "Sources/SelfSupervised", ending: "md") {
      for name in try text(article).matches(of: /`(\w+Tests)\.((?!swift`)\w+)`/) {
        count += 1
        XCTAssertTrue(
          tests[String(name.1)]?.contains("func \(name.2)()") == true,
          "\(article.lastPathComponent) names \(name.0), which does not exist")
      }
    }
    XCTAssertGreaterThan(count, 0)
  }

  /// The complaints are numbered without a gap, and each names a thread or a source, and a test.
  func testEveryComplaintIsAnswered() throws {
    let article = "Sources/SelfSupervised/SelfSupervised.docc/WhatGoesWrong.md"
    var numbers: [Int] = []
    for line in lines(of: try text(package.appending(path: article))) {
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      guard cells.count > 1, let number = Int(cells[1]) else { continue }
      numbers.append(number)
      XCTAssertEqual(cells.count, 6, line)
      XCTAssertTrue(cells[2].contains(/\w\/[\w.-]+#\d+|'s source/), line)
      XCTAssertTrue(cells[4].hasPrefix("`"), line)
    }
    XCTAssertEqual(numbers.sorted(), Array(1...41))
  }

  private func files(in folder: String, ending: String) throws -> [URL] {
    let entries = FileManager.default.enumerator(
      at: package.appending(path: folder), includingPropertiesForKeys: nil)
    let files = (entries?.allObjects ?? []).compactMap { $0 as? URL }
      .filter { $0.pathExtension == ending }
    XCTAssertFalse(files.isEmpty, folder)
    return files
  }

  private func text(_ file: URL) throws -> String { try String(contentsOf: file, encoding: .utf8) }

  /// The lines without their indentation; without the last one if it is empty.
  private func lines(of text: String) -> [String] {
    let lines = text.components(separatedBy: "\n").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    return lines.last == "" ? Array(lines.dropLast()) : lines
  }
}
