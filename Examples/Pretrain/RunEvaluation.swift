import SelfSupervised
import Training

/// What is looked at in the course of a run: measures that need no labels, and the vote of
/// neighbors where there are any and they are asked for.
struct RunEvaluation {
  let labelFree: LabelFreeEvaluator?
  let judge: KNNEvaluator?

  /// The evaluations of a run; nil if there is nothing to look at.
  init?(_ options: Options, _ source: Source) {
    labelFree = source.labelFree
    // It takes as long as some steps: at the end alone, unless it is asked for.
    judge = options.evaluateEvery == nil ? nil : source.judge
    if labelFree == nil, judge == nil { return nil }
  }

  /// How often a run is looked at if the command line does not say.
  private static let usualCount = 5

  /// When the network is looked at.
  static func interval(_ options: Options, steps: Int) -> TrainingInterval {
    options.evaluateEvery.map { .epochs($0) } ?? .steps(max(1, steps / usualCount))
  }

  /// The same numbers of the network as it is at each call.
  func metrics() -> (any Learner) throws -> Metrics {
    var neighbors: [[Int]]?
    return { learner in
      var metrics: Metrics = [:]
      if let found = try labelFree?.evaluate(learner, former: neighbors) {
        (metrics, neighbors) = found
      }
      return try metrics + Metrics(judge.map { [("knn", try $0.accuracy(of: learner))] } ?? [])
    }
  }
}
