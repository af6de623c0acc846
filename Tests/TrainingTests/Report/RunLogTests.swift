import Foundation
import XCTest

@testable import Training

final class RunLogTests: XCTestCase {
  private func log(_ text: String) -> RunLog { RunLog(Data(text.utf8)) }

  func testSeries() {
    let log = log(
      """
      {"event":"step","step":1,"loss":4.5,"learning_rate":0.1}
      {"event":"step","step":21,"loss":3.5,"learning_rate":0.2}
      {"event":"epoch","epoch":1,"step":21,"knn":0.25,"of_tomorrow":7}
      {"event":"summary","knn":0.5,"steps":40,"seconds":2.5,"interrupted":false}

      """)
    XCTAssertEqual(log.points("loss").map(\.step), [1, 21])
    XCTAssertEqual(log.points("loss").map(\.value), [4.5, 3.5])
    XCTAssertEqual(log.evaluations.map(\.name).sorted(), ["knn", "of_tomorrow"])
    XCTAssertEqual(log.summary["knn"], 0.5)
    XCTAssertEqual(log.summary["interrupted"], 0)
    XCTAssertEqual(log.stepCount, 40)
    XCTAssertEqual(log.seconds, 2.5)
    XCTAssertEqual(log.damagedLines, 0)
  }

  /// A run that was killed while it wrote, and a disk that was full in between.
  func testLinesThatAreNotWhole() {
    let half = log("{\"event\":\"step\",\"step\":1,\"loss\":2}\n{\"event\":\"step\",\"st")
    XCTAssertEqual(half.points("loss").map(\.value), [2])
    XCTAssertEqual(half.damagedLines, 0)
    let middle = log(
      """
      {"event":"step","step":1,"loss":2}
      {"event":"step","step":2,"lo{"event":"step","step":3,"loss":1}
      [1, 2]
      {"step":4,"loss":1}
      {"event":"step","loss":1}
      {"event":"step","step":-5,"loss":1}
      {"event":"step","step":5,"loss":1}

      """)
    XCTAssertEqual(middle.points("loss").map(\.step), [1, 5])
    XCTAssertEqual(middle.damagedLines, 5)
    for text in ["", "\n", "\u{0}", "{"] { XCTAssertEqual(log(text).stepCount, 0) }
    XCTAssertEqual(RunLog(contentsOf: "/nowhere/metrics.jsonl").steps.count, 0)
  }

  /// Null is a number that JSON has no word for; words are no numbers.
  func testNumbersThatAreNone() {
    let log = log("{\"event\":\"step\",\"step\":1,\"loss\":null,\"note\":\"text\",\"list\":[1]}\n")
    XCTAssertEqual(log.steps.map(\.name), ["loss"])
    XCTAssertTrue(log.points("loss")[0].value.isNaN)
  }

  /// A run that went on from a checkpoint: the later numbers of a step count.
  func testStepsThatComeAgain() {
    let steps = [(1, 5), (21, 4), (41, 3), (21, 8), (41, 7)]
    let lines = steps.map { "{\"event\":\"step\",\"step\":\($0),\"loss\":\($1)}\n" }
    XCTAssertEqual(log(lines.joined()).points("loss").map(\.value), [5, 8, 7])
  }
}
