import Foundation
import SelfSupervised
import Training

/// What a run came to.
struct RunSummary {
  /// The trained network's kNN accuracy; nil where there are no labels.
  let knn: Float?
  /// That of raw pixels and of the untrained network.
  let untrained: (pixels: Float, network: Float)?
  let result: TrainingResult

  private var peakMegabytes: Int { Machine.peakResidentSize / 1_000_000 }
  private var progress: TrainingProgress { result.progress }

  var record: JSONRecord {
    JSONRecord([
      ("event", .string("summary")), ("knn", .number(knn ?? .nan)),
      ("knn_raw_pixels", .number(untrained?.pixels ?? .nan)),
      ("knn_random_encoder", .number(untrained?.network ?? .nan)),
      ("loss", .number(progress.averageLoss ?? .nan)), ("steps", .integer(progress.steps)),
      ("skipped_steps", .integer(progress.skippedSteps)),
      ("images_per_second", .number(Float(result.imagesPerSecond))),
      ("seconds", .number(Float(progress.seconds))), ("peak_rss_mb", .integer(peakMegabytes)),
      ("interrupted", .flag(result.wasInterrupted)),
    ])
  }

  private var scores: String {
    guard let knn, let untrained else { return "no labels to evaluate with" }
    return String(
      format: "kNN accuracy   %.3f trained   %.3f raw pixels   %.3f untrained network", knn,
      untrained.pixels, untrained.network)
  }

  func text(directory: String, files: [String]) -> String {
    let interruption = """
      stopped after step \(progress.steps); what there is was saved, and
        \(CommandLine.arguments[0]) --resume \(directory)
      goes on from there

      """
    return """
      \(result.stopReason == nil ? "" : interruption)\
      \(scores)
      \(progress.steps) steps in \(ProgressLine.time(progress.seconds)), \
      \(String(format: "%.0f", result.imagesPerSecond)) images/s, \(peakMegabytes) MB at most
      wrote \(files.joined(separator: " and "))
      """
  }
}
