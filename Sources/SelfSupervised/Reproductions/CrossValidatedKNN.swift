import Nets
import Tensor

/// The kNN "accuracy" of a popular BYOL tutorial: cross-validation inside one set of features.
///
/// Each fold is classified by its nearest neighbour (cosine, unweighted) in the other folds of the
/// same set, so it is not comparable to ``WeightedKNN``, whose bank is the training set. The folds
/// are those of scikit-learn's `StratifiedKFold` without shuffling.
///
/// - Parameters:
///   - features: A tensor of shape [count, width].
///   - labels: A class for each row.
///   - k: How many neighbours vote, equally; the lowest label wins a tie.
///   - folds: How many parts the rows fall into.
/// - Returns: The mean over folds of the share that is right, in 0...1.
public func crossValidatedKNN(
  _ features: Tensor, labels: [Int], k: Int = 1, folds: Int = 5
) -> Float {
  precondition(
    features.rank == 2 && features.shape[0] == labels.count && folds >= 2
      && labels.count >= folds && k >= 1,
    "crossValidatedKNN needs features [count, width] with a label for each row, two or more folds "
      + "and at least a row for each; got shape \(features.shape), \(labels.count) labels, "
      + "\(folds) folds and k \(k)")
  checkFinite(features, "crossValidatedKNN")
  let fold = stratifiedFolds(labels, count: folds)
  let unit = l2Normalized(features.detached)
  let shares = (0..<folds).map { number -> Float in
    let queries = fold.indices.filter { fold[$0] == number }
    let bank = fold.indices.filter { fold[$0] != number }
    let bankLabels = bank.map { labels[$0] }
    let predictions = nearest(
      unit.indexSelect(queries), in: unit.indexSelect(bank), labels: bankLabels,
      k: min(k, bank.count))
    let right = zip(predictions, queries).reduce(0) { $0 + ($1.0 == labels[$1.1] ? 1 : 0) }
    return Float(right) / Float(max(1, queries.count))
  }
  return shares.reduce(0, +) / Float(folds)
}

private func nearest(_ queries: Tensor, in bank: Tensor, labels: [Int], k: Int) -> [Int] {
  let chunk = max(1, (1 << 24) / max(1, bank.shape[0]))
  let transposed = bank.transposed()
  return queries.chunks(of: chunk).flatMap { queries in
    withMatmulPrecision(.float32) { matmul(queries, transposed) }.topK(k).map { row in
      var votes: [Int: Int] = [:]
      for index in row.indices { votes[labels[index], default: 0] += 1 }
      return votes.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key ?? 0
    }
  }
}

/// The fold of each row, so that every class is spread evenly, in order of appearance.
func stratifiedFolds(_ labels: [Int], count: Int) -> [Int] {
  // Classes are numbered by first appearance; every count-th of the sorted rows goes to a fold.
  var numbers: [Int: Int] = [:]
  for label in labels where numbers[label] == nil { numbers[label] = numbers.count }
  let encoded = labels.map { numbers[$0] ?? 0 }
  let sorted = encoded.sorted()
  var remaining = [[Int]](repeating: [Int](repeating: 0, count: count), count: numbers.count)
  for (position, number) in sorted.enumerated() { remaining[number][position % count] += 1 }
  return encoded.map { number in
    let fold = remaining[number].firstIndex { $0 > 0 } ?? 0
    remaining[number][fold] -= 1
    return fold
  }
}
