import SelfSupervised
import Training

/// What is looked at in the course of a run: measures that need no labels, and the vote of
/// neighbors where there are any and it is asked for.
struct RunEvaluation {
  let interval: TrainingInterval
  private let labelFree: LabelFreeEvaluator?
  private let judge: KNNEvaluator?

  /// The evaluations of a run; nil if there is nothing to look at.
  init?(_ options: Options, _ source: Source) {
    labelFree = source.labelFree
    // It takes as long as some steps: at the end alone, unless it is asked for.
    judge = options.evaluateEvery == nil ? nil : source.judge
    if labelFree == nil, judge == nil { return nil }
    interval =
      options.evaluateEvery.map { .epochs($0) }
      ?? .steps(max(1, source.steps / Self.count(source)))
  }

  /// The number by which networks are compared: labels', or the one that follows them best.
  static func metric(_ source: Source) -> String {
    source.judge == nil ? labelFreeMetric : "knn"
  }

  private static let labelFreeMetric = "view_neighbors"

  /// How often a run is looked at if the command line does not say.
  private static func count(_ source: Source) -> Int {
    max(1, min(8, affordableImages(of: source) / (source.labelFree?.count ?? 1)))
  }

  /// How many images evaluations may look at, all together, for a sixtieth of the run's time.
  static func affordableImages(of source: Source) -> Int {
    // A step takes the network forward and back for two views of an image, and a target forward; an
    // evaluation takes two views and whole images.
    let share = source.viewShare
    let passes = Float(LabelFreeEvaluator.passes - 2) + 2 * share
    return Int(8 * share * Float(source.steps * source.imagesPerStep) / (60 * passes))
  }

  /// The numbers of a network that has no evaluation before it.
  func metrics(of learner: any Learner) throws -> Metrics { try metrics(of: learner, nil).metrics }

  /// The callback that looks at the network.
  var evaluation: Evaluation {
    var neighbors: [[Int]]?
    return Evaluation(every: interval) { learner in
      let found = try metrics(of: learner, neighbors)
      neighbors = found.neighbors
      return found.metrics
    }
  }

  private func metrics(
    of learner: any Learner, _ former: [[Int]]?
  ) throws -> (metrics: Metrics, neighbors: [[Int]]?) {
    do {
      let labels = Metrics(try judge.map { [("knn", try $0.accuracy(of: learner))] } ?? [])
      let found = try labelFree?.evaluate(learner, former: former)
      return ((found?.metrics ?? [:]) + labels, found?.neighbors)
    } catch is NonFiniteFeaturesError {
      // The step that cannot go on says so itself, or the end of the run.
      return ([Self.labelFreeMetric: .nan] + (judge == nil ? [:] : ["knn": .nan]), nil)
    }
  }
}
