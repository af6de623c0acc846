import Files
import Foundation

/// All that a run's report shows; ``html`` is the page, in one file that needs no network.
package struct RunReport: Sendable {
  /// A line of a table.
  package struct Row: Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  /// What the run is, in a few words.
  package var title: String
  /// Whether it goes on, or how it ended.
  package var state: String
  /// What to think of the run and what to do, in sentences.
  package var verdict: [String] = []
  /// What the run has written of its steps.
  package var log: RunLog
  /// How many steps were asked for, if that is known.
  package var plannedSteps: Int?
  /// What the command line asked for, and what suits the data.
  package var configuration: [Row] = []
  /// What it was computed on, and with.
  package var machine: [Row] = []
  /// Views of a few pictures.
  package var views: Views?
  /// What the network makes of some pictures.
  package var pictures: PictureStudy?
  /// How long this report took so far, with those before it.
  package var seconds = 0.0
  /// How long evaluation and files took beside it; nil for a report that is written when the run is
  /// over.
  package var otherSeconds: Double?

  package init(title: String, state: String, log: RunLog) {
    (self.title, self.state, self.log) = (title, state, log)
  }

  /// Writes the page; an earlier one stays as it was until this is complete.
  ///
  /// - Throws: `FileError` if it cannot be written.
  package func write(to path: String) throws {
    let page = Data(html.text.utf8)
    try writeAtomically(to: path) { try $0.write(contentsOf: page) }
  }

  /// What happened, in sentences that hold for every run.
  var facts: [String] {
    let steps = log.stepCount
    guard steps > 0 else { return ["The run has taken no step yet."] }
    let share = plannedSteps.map { " of \(Figures.grouped(Double($0)))" } ?? ""
    let pace =
      log.points("images_per_second").last { $0.value.isFinite }
      .map { ", at \(Figures.grouped($0.value)) images a second" } ?? ""
    return [
      "The network has taken \(Figures.grouped(Double(steps)))\(share) steps in "
        + "\(Figures.time(log.seconds))\(pace)."
    ] + lossFact + moveFact
  }

  /// How far the loss has come, and whether it still moves.
  private var lossFact: [String] {
    let losses = log.points("loss").map(\.value).filter(\.isFinite)
    guard losses.count >= 8 else { return [] }
    func mean(_ part: ArraySlice<Double>) -> Double { part.reduce(0, +) / Double(part.count) }
    let eighth = losses.count / 8
    let (first, last) = (mean(losses.prefix(eighth)), mean(losses.suffix(eighth)))
    return [
      "The loss was \(Figures.short(first)) on average over the first eighth of the steps and "
        + "\(Figures.short(last)) over the last."
    ]
  }

  /// What the report costs.
  var cost: String {
    guard let otherSeconds else {
      return "This report was written when the run was over, in \(Figures.time(seconds))."
    }
    func share(_ seconds: Double) -> String {
      log.seconds > 0 ? " (\(Figures.percent(seconds / log.seconds)) of the time of the steps)" : ""
    }
    return "This report took \(Figures.time(seconds))\(share(seconds)), evaluation and files "
      + "\(Figures.time(otherSeconds))\(share(otherSeconds))."
  }

  /// How far the training has moved the network.
  private var moveFact: [String] {
    guard let kept = pictures?.keptNeighbors else { return [] }
    return [
      "Of the \(PictureStudy.neighborCount) pictures that the network takes for most similar to one, "
        + "\(Figures.percent(Double(kept))) are those that it took before the training."
    ]
  }
}
