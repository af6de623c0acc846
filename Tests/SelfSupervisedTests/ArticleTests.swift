import Foundation
import XCTest

/// What articles show is what the package does: every snippet is a run of lines of some source file.
final class ArticleTests: XCTestCase {
  func testSnippetsAreCutFromTheSources() throws {
    let here = URL(fileURLWithPath: #filePath)
    let package = (0..<3).reduce(here) { url, _ in url.deletingLastPathComponent() }
    let folder = package.appending(path: "Sources/SelfSupervised")
    let entries = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    let files = (entries?.allObjects ?? []).compactMap { $0 as? URL }
    let sources = try files.filter { $0.pathExtension == "swift" }.map { lines(of: try text($0)) }
    let articles = files.filter { $0.pathExtension == "md" }
    XCTAssertFalse(articles.isEmpty)
    for article in articles {
      let snippets = try text(article).components(separatedBy: "```swift\n").dropFirst()
        .compactMap { $0.components(separatedBy: "```").first }
      XCTAssertFalse(snippets.isEmpty, article.lastPathComponent)
      for snippet in snippets {
        let wanted = lines(of: snippet)
        let isCut = sources.contains { source in
          source.indices.contains { source[$0...].starts(with: wanted) }
        }
        XCTAssertTrue(isCut, "\(article.lastPathComponent) shows what no source has:\n\(snippet)")
      }
    }
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
