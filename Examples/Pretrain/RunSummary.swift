import Foundation
import SelfSupervised
import Training

/// What a run came to.
struct RunSummary {
  /// What labels say of the trained network's features; nil where there are none.
  let trained: FeatureScores?
  /// The same of raw pixels and of the network before its first step, if it is known.
  let untrained: (pixels: FeatureScores, network: FeatureScores?)?
  /// How many images labels evaluated by.
  let queryCount: Int
  /// Whether the first weights were those of a file, rather than random.
  let beganWithWeights: Bool
  let method: MethodName
  /// The type that reads the network's file.
  let networkType: String
  let result: TrainingResult
  /// What can be said without labels.
  let verdict: RunVerdict

  private var peakMegabytes: Int { Machine.peakResidentSize / 1_000_000 }
  private var progress: TrainingProgress { result.progress }

  var record: JSONRecord {
    JSONRecord(scoreFields + fewLabelFields + trainingFields)
  }

  private var scoreFields: [(String, JSONRecord.Value)] {
    [
      ("event", .string("summary")), ("knn", .number(trained?.knn ?? .nan)),
      ("knn_raw_pixels", .number(untrained?.pixels.knn ?? .nan)),
      ("knn_\(start.field)", .number(untrained?.network?.knn ?? .nan)),
    ]
  }

  private var trainingFields: [(String, JSONRecord.Value)] {
    [
      ("loss", .number(progress.averageLoss ?? .nan)), ("steps", .integer(progress.steps)),
      ("skipped_steps", .integer(progress.skippedSteps)),
      ("images_per_second", .number(Float(result.imagesPerSecond))),
      ("seconds", .number(Float(progress.seconds))), ("peak_rss_mb", .integer(peakMegabytes)),
      ("interrupted", .flag(result.wasInterrupted)),
      ("verdict", .string(verdict.finding.rawValue)),
    ]
  }

  private var fewLabelFields: [(String, JSONRecord.Value)] {
    rows.flatMap { row in
      row.scores.fewLabels.map { few in
        ("accuracy_\(few.labelsPerClass)_labels_\(row.field)", .number(few.mean))
      }
    }
  }

  /// What is compared: what was trained, what it began from, and what needs no network.
  private var rows: [(name: String, field: String, scores: FeatureScores)] {
    guard let trained, let untrained else { return [] }
    return [
      ("trained", "trained", trained), ("raw pixels", "raw_pixels", untrained.pixels),
    ] + (untrained.network.map { [(start.name, start.field, $0)] } ?? [])
  }

  private var start: (name: String, field: String) {
    beganWithWeights
      ? ("given weights", "given_weights") : ("untrained network", "random_encoder")
  }

  private var scores: String {
    let table = rows.isEmpty ? nil : ScoreTable(rows.map { ($0.name, $0.scores) }).text
    return ((table.map { [$0] } ?? []) + advice).joined(separator: "\n")
  }

  /// Whether the training has helped, and what to do if not. Labels have the last word.
  var advice: [String] {
    guard trained == nil || queryCount >= Self.fewestQueries else {
      return [
        "\(counted(queryCount, "image")) with labels \(queryCount == 1 ? "is" : "are") too few to compare by."
      ] + verdict.sentences
    }
    guard hasNotHelped else { return verdict.sentences }
    let labels =
      "By labels the training has not helped yet: train longer"
      + (method == .simclr ? "." : ", or try --method simclr.")
    return [labels] + (verdict.finding == .learned ? [] : verdict.sentences)
  }

  /// By fewer images accuracies are wrong by a tenth and more.
  private static let fewestQueries = 30

  /// Whether labels find features that cost nothing to be as good.
  private var hasNotHelped: Bool {
    guard let trained, let untrained else { return false }
    let others = [untrained.pixels] + (untrained.network.map { [$0] } ?? [])
    let isBetter = trained.fewLabels.indices.contains { index in
      others.allSatisfy { trained.fewLabels[index].mean > $0.fewLabels[index].mean }
    }
    return !isBetter && trained.knn <= others.map(\.knn).max() ?? 0
  }

  func text(directory: String, files: [String]) -> String {
    let interruption = """
      stopped after step \(progress.steps); what there is was saved, and
        \(CommandLine.arguments[0]) --resume \(directory)
      goes on from there

      """
    let constructor =
      files.first { $0.hasSuffix("/backbone.safetensors") }
      .map { "\nlet net = try \(networkType)(contentsOf: \"\($0)\")" } ?? ""
    return """
      \(result.stopReason == nil ? "" : interruption)\
      \(scores)
      \(progress.steps) steps in \(ProgressLine.time(progress.seconds)), \
      \(String(format: "%.0f", result.imagesPerSecond)) images/s, \(peakMegabytes) MB at most
      wrote \(files.joined(separator: " and "))\(constructor)
      """
  }
}
