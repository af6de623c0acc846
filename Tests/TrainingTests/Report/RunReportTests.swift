import Datasets
import Foundation
import Images
import Tensor
import TestSupport
import XCTest

@testable import Training

final class RunReportTests: XCTestCase {
  func testWhatIsInterpolatedIsShownAsItIs() {
    let name = "<b> & \"c\" 'd' \u{1}"
    let cell: HTML = "<td title=\"\(name)\">\(HTML(verbatim: "<i>"))\(7)</td>"
    XCTAssertEqual(
      cell.text, "<td title=\"&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39; \u{FFFD}\"><i>7</td>")
  }

  private func log(steps: Int) -> RunLog {
    let lines = (0..<steps).map { step in
      "{\"event\":\"step\",\"step\":\(20 * step + 1),\"loss\":\(4 - 2 * Double(step) / Double(steps)),"
        + "\"spread\":1,\"<script>alert(1)</script>\":3,\"images_per_second\":300,\"seconds\":\(step)}\n"
    }
    let summary =
      "{\"event\":\"summary\",\"knn\":0.5,\"knn_raw_pixels\":0.25,\"accuracy_1_labels_trained\":0.2,"
      + "\"accuracy_10_labels_trained\":0.4,\"accuracy_1_labels_raw_pixels\":0.1,\"steps\":400,"
      + "\"seconds\":100}\n"
    return RunLog(Data((lines.joined() + summary).utf8))
  }

  private func report(steps: Int = 40) -> RunReport {
    var report = RunReport(title: "a & b", state: "The run has ended.", log: log(steps: steps))
    report.plannedSteps = 800
    (report.seconds, report.otherSeconds) = (1, 2)
    report.verdict = ["Train <longer>."]
    report.configuration = [.init("Command line", "pretrain --data 'a\"<b>'")]
    return report
  }

  /// The page says what happened, and no word of the run is taken for a part of the page.
  func testPage() {
    let page = report().html.text
    for words in [
      "The network has taken 400 of 800 steps in 1 min 40 s, at 300 images a second.",
      "The loss was 3.90 on average over the first eighth of the steps and 2.15 over the last.",
      "<p class=\"verdict\">Train &lt;longer&gt;.</p>", "<h1>a &amp; b</h1>",
      "&lt;script&gt;alert(1)&lt;/script&gt;", "pretrain --data &#39;a&quot;&lt;b&gt;&#39;",
      "This report took 1.0 s (1.0 % of the time of the steps), evaluation and files 2.0 s (2.0 % of the "
        + "time of the steps).",
    ] { XCTAssertTrue(page.contains(words), words) }
    XCTAssertFalse(page.contains("<script>alert"))
    assertNeedsNoNetwork(page)
    var later = report()
    later.otherSeconds = nil
    XCTAssertEqual(later.cost, "This report was written when the run was over, in 1.0 s.")
    let empty = RunReport(title: "", state: "", log: RunLog(Data())).html.text
    XCTAssertTrue(empty.contains("The run has taken no step yet."))
    XCTAssertFalse(empty.contains("nan"))
  }

  private func assertNeedsNoNetwork(_ page: String, line: UInt = #line) {
    for word in ["http:", "https:", "src=\"/", "@import", "url(\"", "fetch(", "XMLHttp"] {
      XCTAssertFalse(page.contains(word), word, line: line)
    }
  }

  /// What opens closes, and in its order.
  func testElementsClose() throws {
    var report = report()
    try addPictures(&report, count: 40)
    var open: [Substring] = []
    let page = report.html.text.replacing(/<script[^>]*>[\s\S]*?<\/script>/, with: "")
      .replacing(/<style>[\s\S]*?<\/style>/, with: "")
    for match in page.matches(of: /<(\/?)([a-z0-9]+)((?:"[^"]*"|[^">])*?)(\/?)>/) {
      let (name, closes, isWhole) = (match.2, match.1 == "/", match.4 == "/")
      if isWhole || ["meta", "link", "img"].contains(name) { continue }
      if closes { XCTAssertEqual(open.popLast(), name) } else { open.append(name) }
    }
    XCTAssertEqual(open, [])
  }

  private func addPictures(_ report: inout RunReport, count: Int, size: Int = 32) throws {
    var stream = RandomStream(seed: 1)
    let images = Tensor.uniform([count, size, size, 3], in: 0..<1, using: &stream)
    let set = LabeledImages(
      images: images, labels: (0..<count).map { $0 % 3 }, classNames: ["<a>", "b&", "c\""])
    let features = Tensor.normal([count, 16], using: &stream)
    report.pictures = try PictureStudy(
      of: set, before: features, after: features)
    report.views = try RunReport.Views(
      ImageGrid(columns: (0..<8).map { column in (0..<3).map { PixelImage(images[$0 + column]) } }))
  }

  /// A thousand pictures of noise, which JPEG cannot make small, and a long run.
  func testSize() throws {
    var report = report(steps: 5_000)
    try addPictures(&report, count: 1_000, size: 64)
    let page = report.html.text
    assertNeedsNoNetwork(page)
    XCTAssertFalse(page.contains("<a>"))
    XCTAssertLessThan(page.utf8.count, 5_000_000)
  }

  func testItIsWrittenWhole() throws {
    let files = try TemporaryFiles(for: self)
    try report().write(to: files.path("report.html"))
    let text = try String(contentsOfFile: files.path("report.html"), encoding: .utf8)
    XCTAssertTrue(text.hasPrefix("<!DOCTYPE html>") && text.hasSuffix("</html>\n"))
    XCTAssertThrowsError(try report().write(to: files.path("none/report.html")))
  }
}
