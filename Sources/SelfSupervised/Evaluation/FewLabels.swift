import Synchronization
import Tensor

/// How well a classifier does that has seen few labels of each class.
public struct FewLabelAccuracy: Sendable {
  /// How many labels of each class it has seen.
  public let labelsPerClass: Int
  /// The share of the queries that it got right, for each draw of the labels.
  public let accuracies: [Float]

  package init(labelsPerClass: Int, accuracies: [Float]) {
    (self.labelsPerClass, self.accuracies) = (labelsPerClass, accuracies)
  }

  /// The mean over the draws.
  public var mean: Float { accuracies.reduce(0, +) / Float(accuracies.count) }

  /// The standard deviation over the draws.
  public var deviation: Float {
    let squares = accuracies.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Float(accuracies.count)).squareRoot()
  }
}

/// How well few labels of each class serve: a ``LogisticRegression`` on features that learned
/// without labels, fitted to some rows of a bank.
///
/// Features are brought to mean 0 and deviation 1, as they are in the bank, for which no label is
/// needed.
///
/// - Parameters:
///   - bank: Features [count, width] to draw labeled rows from.
///   - labels: The class of each row of the bank.
///   - queries: Features [count, width] to classify.
///   - queryLabels: Their classes.
///   - perClass: How many labels of each class are drawn. Counts that a class of the bank does not
///     have are left out, and those that make more than 3,000 rows: the fits take too long.
///   - draws: How often they are drawn.
///   - seed: Where the draws come from; the same for different features of the same bank.
/// - Returns: One for each count of labels.
public func fewLabelAccuracies(
  bank: Tensor, labels: [Int], queries: Tensor, queryLabels: [Int],
  perClass: [Int] = [1, 5, 10, 50, 100], draws: Int = 5, seed: UInt64 = 0
) -> [FewLabelAccuracy] {
  precondition(
    bank.rank == 2 && bank.shape[0] == labels.count && draws > 0 && perClass.allSatisfy { $0 > 0 },
    "fewLabelAccuracies needs features [count, width], a label for each, and draws and labels of a "
      + "class above zero; got shape \(bank.shape), \(labels.count) labels, \(draws) draws and "
      + "\(perClass)")
  let scaling = FeatureScaling(bank.detached)
  let (bank, queries) = (scaling(bank.detached), scaling(queries.detached))
  let smallest = Dictionary(grouping: labels) { $0 }.values.map(\.count).min() ?? 0
  let classCount = Set(labels).count
  let counts = perClass.filter { $0 <= smallest && $0 * classCount <= mostFittedRows }
  // A fit is too small for threads; the longest come first.
  let found = Mutex([Int: Float]())
  Parallel.forEach(counts.count * draws) { fit in
    let (row, draw) = (counts.count - 1 - fit / draws, fit % draws)
    var stream = RandomStream(seed: seed).split(draw)
    let rows = sampledIndices(of: labels, perClass: counts[row], using: &stream)
    let accuracy = Parallel.serially {
      // scikit-learn's own limit of steps.
      LogisticRegression(
        bank.indexSelect(rows), labels: rows.map { labels[$0] }, mostIterations: 100
      ).accuracy(queries, labels: queryLabels)
    }
    found.withLock { $0[row * draws + draw] = accuracy }
  }
  let accuracies = found.withLock { found in (0..<counts.count * draws).map { found[$0] ?? 0 } }
  return counts.enumerated().map { row, count in
    FewLabelAccuracy(
      labelsPerClass: count, accuracies: Array(accuracies[row * draws..<(row + 1) * draws]))
  }
}

private let mostFittedRows = 3_000

/// The positions of `count` labels of each class, drawn at random; all of a class that has fewer.
///
/// - Returns: Positions in increasing order.
public func sampledIndices(
  of labels: [Int], perClass count: Int, using stream: inout RandomStream
) -> [Int] {
  var left: [Int: Int] = [:]
  let chosen = stream.permutation(labels.count).filter { position in
    left[labels[position], default: count] -= 1
    return left[labels[position], default: 0] >= 0
  }
  return chosen.sorted()
}
