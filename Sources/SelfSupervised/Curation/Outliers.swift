import Tensor

/// How far apart from the others each row of features lies.
///
/// Features are brought to mean 0 and deviation 1 in each of their main directions, so that a kind of
/// difference that few pictures show counts as much as one that many show; a row's score is its mean
/// distance to its nearest rows, as unit vectors.
///
/// - Parameters:
///   - features: A tensor of shape [count, width], of three rows or more.
///   - k: How many nearest rows count; if it is nil, the root of the count, so that a few outliers of
///     one kind do not hide each other.
/// - Returns: A score in 0...2 for each row; the larger, the further apart.
public func outlierScores(_ features: Tensor, k: Int? = nil) -> [Float] {
  let count = features.shape.first ?? 0
  precondition(
    features.rank == 2 && count > 2 && k ?? 1 > 0,
    "outlierScores needs features [count, width] of three rows or more and a k above zero; got shape "
      + "\(features.shape) and \(k.map(String.init) ?? "none")")
  let k = min(k ?? Int(Float(count).squareRoot()), count - 1)
  let bank = WeightedKNN(features, labels: [Int](repeating: 0, count: count))
  return bank.neighbors(of: features, k: k + 1).enumerated().map { row, found in
    let others = zip(found.indices, found.similarities).filter { $0.0 != row }.prefix(k)
    return 1 - others.reduce(0) { $0 + $1.1 } / Float(others.count)
  }
}
