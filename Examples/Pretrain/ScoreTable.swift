import SelfSupervised
import Training

/// What labels say of several features, the first of which a run is about.
struct ScoreTable {
  private let rows: [(name: String, scores: FeatureScores)]

  init(_ rows: [(String, FeatureScores)]) { self.rows = rows }

  /// The vote of neighbors on one line, then a table of the accuracy by few labels of each class,
  /// with its deviation over the draws.
  var text: String {
    let knn = rows.map { String(format: "%.3f ", $0.scores.knn) + $0.name }
    return (["kNN accuracy   " + knn.joined(separator: "   ")] + fewLabels).joined(separator: "\n")
  }

  private var fewLabels: [String] {
    guard let counts = rows.first?.scores.fewLabels.map(\.labelsPerClass), !counts.isEmpty else {
      return []
    }
    let head = "labels of a class  " + counts.map { "\($0)".padded(to: 15) }.joined()
    return [head]
      + rows.map { name, scores in
        name.padding(toLength: 19, withPad: " ", startingAt: 0)
          + scores.fewLabels
          .map { String(format: "%.3f ± %.3f", $0.mean, $0.deviation).padded(to: 15) }.joined()
      }
  }
}

extension String {
  /// With spaces before it.
  fileprivate func padded(to length: Int) -> String {
    String(repeating: " ", count: max(0, length - count)) + self
  }
}
