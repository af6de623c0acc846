import Foundation
import XCTest

@testable import Training

/// Courses like those of runs that went right or wrong, and what is said of them.
final class RunVerdictTests: XCTestCase {
  /// A run whose measures go through the given numbers, the first of them before its first step.
  private func log(
    steps: Int = 1_000, rank: [Double] = [21, 24, 29], retrieval: [Double] = [0.03, 0.05, 0.1],
    rotation: [Double] = [0.80, 0.86, 0.88], neighbors: [Double] = [0.02, 0.08, 0.09],
    loss: String = "3.5", lastDirections: Double = 25, images: Int = 2_000
  ) -> RunLog {
    var lines = [
      #"{"event":"step","step":1,"loss":\#(loss),"effective_rank":80,"spread":1}"#,
      #"{"event":"step","step":\#(steps),"loss":2,"effective_rank":\#(lastDirections),"spread":1}"#,
    ]
    for index in rank.indices {
      let step = steps * index / (rank.count - 1)
      lines.append(
        #"{"event":"epoch","epoch":\#(index),"step":\#(step),"feature_rank":\#(rank[index]),"#
          + #""view_retrieval":\#(retrieval[index]),"rotation_accuracy":\#(rotation[index]),"#
          + #""view_neighbors":\#(neighbors[index]),"evaluated_images":\#(images)}"#)
    }
    lines.append(#"{"event":"summary","steps":\#(steps)}"#)
    return RunLog(Data((lines.joined(separator: "\n") + "\n").utf8))
  }

  func testEachCourseIsNamed() {
    let courses: [(RunVerdict.Finding, RunLog)] = [
      (.learned, log()),
      (.collapsed, log(rank: [21, 9, 2], rotation: [0.8, 0.5, 0.3])),
      (.collapsed, log(lastDirections: 2)),
      (.rateTooHigh, log(rank: [21, 3, 12], rotation: [0.8, 0.7, 0.84])),
      (.viewsTooWeak, log(retrieval: [0.9, 0.95, 0.97])),
      (.viewsTooStrong, log(retrieval: [0.003, 0.004, 0.005])),
      (.tooShort, log(steps: 20)),
      (.worse, log(rotation: [0.8, 0.75, 0.76])),
      (.diverged, log(loss: "null")),
      (.unknown, RunLog(Data(#"{"event":"summary","steps":1000}"#.utf8))),
    ]
    for (finding, log) in courses {
      let verdict = RunVerdict(log)
      XCTAssertEqual(verdict.finding, finding)
      XCTAssertFalse(verdict.sentences.isEmpty)
      XCTAssertTrue(verdict.sentences.allSatisfy { $0.hasSuffix(".") }, "\(verdict.sentences)")
    }
    XCTAssertEqual(
      Set(courses.map(\.0)), Set(RunVerdict.Finding.allCases), "a course of each kind")
  }

  func testFindingsAreToldApart() {
    let all = RunVerdict.Finding.allCases
    XCTAssertEqual(Set(all.map(\.rawValue)).count, all.count)
    XCTAssertEqual(RunVerdict(log(), hasDiverged: true).finding, .diverged)
  }

  func testARunThatANumberEndedHasDiverged() {
    let line = #"{"event":"nonfinite","what":"the loss became nan at step 3"}"# + "\n"
    XCTAssertEqual(RunVerdict(RunLog(Data(line.utf8))).finding, .diverged)
  }

  /// Of twenty images chance finds every twentieth: three quarters is more than views can be asked for.
  func testFewImagesAskForNoMore() {
    let few = log(retrieval: [0.2, 0.3, 0.4], images: 20)
    XCTAssertEqual(RunVerdict(few).finding, .learned)
    let none = log(retrieval: [0.05, 0.05, 0.05], images: 20)
    XCTAssertEqual(RunVerdict(none).finding, .viewsTooStrong)
  }

  /// A log has a line of every twentieth step.
  func testTheStepsAreThoseThatWereTaken() {
    let verdict = RunVerdict(log(steps: 21), stepCount: 30)
    XCTAssertTrue(verdict.sentences[0].contains(": 30 steps"), "\(verdict.sentences)")
  }

  func testWhatStillRisesIsWorthMoreSteps() {
    let rising = RunVerdict(log(neighbors: [0.02, 0.03, 0.09])).sentences
    XCTAssertTrue(rising.contains { $0.contains("a longer training is likely") }, "\(rising)")
    let settled = RunVerdict(log(neighbors: [0.02, 0.09, 0.091])).sentences
    XCTAssertTrue(settled.contains { $0.contains("gain little") }, "\(settled)")
  }
}
