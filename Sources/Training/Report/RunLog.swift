import Foundation

/// What a run has written to its `metrics.jsonl`.
///
/// Lines that are not whole, as the last one of a run that was killed, are left out and counted.
package struct RunLog: Sendable {
  /// One number after some steps.
  package struct Point: Sendable, Equatable {
    package let step: Int
    package let value: Double
  }

  /// Numbers of one name, in the order of their steps.
  package struct Series: Sendable, Equatable {
    package let name: String
    package let points: [Point]
  }

  /// The numbers of steps, by name, in the order in which names first come.
  package let steps: [Series]
  /// The numbers of evaluations.
  package let evaluations: [Series]
  /// The numbers that the run ended with; empty if it has not ended.
  package let summary: [String: Double]
  /// Whether a number that was not finite ended the run.
  package let endedNonFinite: Bool
  /// How many lines could not be read; the one at the end of a run that goes on is not counted.
  package let damagedLines: Int

  /// The log in a file; an empty one if there is no file.
  package init(contentsOf path: String) {
    self.init(FileManager.default.contents(atPath: path) ?? Data())
  }

  init(_ contents: Data) {
    var (steps, evaluations) = (SeriesBuilder(), SeriesBuilder())
    var (summary, damaged) = ([String: Double](), 0)
    var endedNonFinite = false
    let lines = contents.split(separator: 10, omittingEmptySubsequences: true)
    for (index, line) in lines.enumerated() {
      guard let record = Self.record(line) else {
        damaged += index == lines.count - 1 && contents.last != 10 ? 0 : 1
        continue
      }
      switch record.event {
      case "step": steps.add(record)
      case "epoch": evaluations.add(record)
      case "summary": summary = Dictionary(record.numbers, uniquingKeysWith: { $1 })
      case "nonfinite": endedNonFinite = true
      default: break
      }
    }
    (self.steps, self.evaluations) = (steps.series, evaluations.series)
    (self.summary, damagedLines) = (summary, damaged)
    self.endedNonFinite = endedNonFinite
  }

  /// The numbers of steps or evaluations under a name.
  package func points(_ name: String) -> [Point] {
    (steps + evaluations).first { $0.name == name }?.points ?? []
  }

  /// The step of the last evaluation; nil if there was none.
  package var lastEvaluatedStep: Int? { evaluations.compactMap(\.points.last?.step).max() }

  /// How many steps were taken.
  package var stepCount: Int {
    summary["steps"].flatMap { Int(exactly: $0) }
      ?? steps.compactMap(\.points.last?.step).max() ?? 0
  }

  /// The time in all steps.
  package var seconds: Double { summary["seconds"] ?? points("seconds").last?.value ?? 0 }

  // MARK: - Lines

  fileprivate struct Record {
    let event: String
    let step: Int?
    /// By name, in the order of their names.
    let numbers: [(String, Double)]
  }

  private static func record(_ line: Data) -> Record? {
    guard let fields = try? JSONSerialization.jsonObject(with: line) as? [String: Any],
      let event = fields["event"] as? String
    else { return nil }
    let step = fields["step"] as? Int
    guard event == "summary" || (step ?? -1) >= 0 || !["step", "epoch"].contains(event) else {
      return nil
    }
    let numbers = fields.compactMap { name, value -> (String, Double)? in
      if ["event", "step", "epoch"].contains(name) { return nil }
      // JSON has no word for a number that is not finite: the log says null.
      return (value as? Double).map { (name, $0) } ?? (value is NSNull ? (name, .nan) : nil)
    }
    return Record(event: event, step: step, numbers: numbers.sorted { $0.0 < $1.0 })
  }
}

/// Puts records together by name.
private struct SeriesBuilder {
  private var names: [String] = []
  private var points: [String: [RunLog.Point]] = [:]

  mutating func add(_ record: RunLog.Record) {
    guard let step = record.step else { return }
    for (name, value) in record.numbers {
      if points[name] == nil { names.append(name) }
      // Steps that come again are those of a run that went on from an earlier one.
      while let last = points[name]?.last, last.step >= step { points[name]?.removeLast() }
      points[name, default: []].append(RunLog.Point(step: step, value: value))
    }
  }

  var series: [RunLog.Series] {
    names.map { RunLog.Series(name: $0, points: points[$0] ?? []) }
  }
}
