import Foundation
import SelfSupervised

/// What a run came to.
struct RunSummary {
  /// What the labels say; nil where there are none.
  let knn: Float?
  let rawPixels: Float?
  let untrained: Float?
  let outcome: TrainingOutcome

  private var peakMegabytes: Int { Machine.peakResidentSize / 1_000_000 }

  var record: JSONRecord {
    JSONRecord([
      ("event", .string("summary")), ("knn", .share(knn)),
      ("knn_raw_pixels", .share(rawPixels)), ("knn_random_encoder", .share(untrained)),
      ("loss", .number(Double(outcome.loss))), ("steps", .integer(outcome.steps)),
      ("images_per_second", .number(outcome.imagesPerSecond)),
      ("seconds", .number(outcome.seconds)), ("peak_rss_mb", .integer(peakMegabytes)),
      ("interrupted", .flag(outcome.wasInterrupted)),
    ])
  }

  private var scores: String {
    guard let knn, let rawPixels, let untrained else { return "no labels to judge by" }
    return String(
      format: "kNN accuracy   %.3f trained   %.3f raw pixels   %.3f untrained network", knn,
      rawPixels, untrained)
  }

  private func interruption(_ files: RunFiles) -> String {
    """
    interrupted after step \(outcome.steps); what there is was saved, and
      \(CommandLine.arguments[0]) --resume \(files.directory)
    goes on from there

    """
  }

  func report(_ files: RunFiles) -> String {
    let speed = String(format: "%.0f", outcome.imagesPerSecond)
    return """
      \(outcome.wasInterrupted ? interruption(files) : "")\
      \(scores)
      \(outcome.steps) steps in \(ProgressLine.time(outcome.seconds)), \(speed) images/s, \
      \(peakMegabytes) MB at most
      wrote \(files.metricsPath) and \(files.backbonePath)
      """
  }
}
