import Foundation
import Tensor

/// The classifier that judges representations without training: the most similar images vote.
///
/// Features are divided by their length; each of the `k` nearest of the bank votes for its label
/// with the weight exp(cosine / temperature) (Wu et al., 2018).
public struct WeightedKNN: Sendable {
  /// How many neighbours vote.
  public let k: Int
  /// How fast votes lose weight with distance.
  public let temperature: Float
  private let bank: Tensor
  private let labels: [Int]
  private let classCount: Int

  /// A classifier whose bank is `features`.
  ///
  /// - Parameters:
  ///   - features: A tensor of shape [count, width].
  ///   - labels: A class for each row.
  ///   - k: How many neighbours vote; at most the rows there are.
  ///   - temperature: 0.07 in Wu et al.; lightly and MoCo use 0.1.
  public init(_ features: Tensor, labels: [Int], k: Int = 20, temperature: Float = 0.07) {
    precondition(
      features.rank == 2 && features.shape[0] == labels.count && !labels.isEmpty,
      "WeightedKNN needs features [count, width] and a label for each; got shape \(features.shape) "
        + "and \(labels.count) labels")
    precondition(
      k >= 1 && temperature > 0 && labels.allSatisfy { $0 >= 0 },
      "WeightedKNN needs k of 1 or more, a temperature above zero and labels of zero or more; got "
        + "k \(k), temperature \(temperature), lowest label \(labels.min() ?? 0)")
    checkFinite(features, "WeightedKNN")
    self.k = min(k, labels.count)
    self.temperature = temperature
    bank = l2Normalized(features.detached)
    self.labels = labels
    classCount = (labels.max() ?? 0) + 1
  }

  /// The class of each row of `features` [count, width].
  public func predict(_ features: Tensor) -> [Int] { neighbors(of: features).map(vote) }

  /// The most similar rows of the bank for each row of `features`, the nearest first.
  ///
  /// - Parameters:
  ///   - features: A tensor of shape [count, width].
  ///   - k: How many neighbors are looked up; as many as vote when it is nil, and at most the rows
  ///     there are.
  /// - Returns: The numbers of the bank's rows, and their cosines with the row.
  public func neighbors(
    of features: Tensor, k: Int? = nil
  ) -> [(indices: [Int], similarities: [Float])] {
    precondition(
      features.rank == 2 && features.shape[1] == bank.shape[1],
      "WeightedKNN needs features of width \(bank.shape[1]); got shape \(features.shape)")
    let k = min(k ?? self.k, labels.count)
    precondition(k >= 1, "neighbors needs k of 1 or more; got \(k)")
    checkFinite(features, "WeightedKNN")
    return nearest(to: features, amongUnits: bank, k: k)
  }

  /// The share of `features` whose class is right.
  public func accuracy(_ features: Tensor, labels: [Int]) -> Float {
    shareOfRight(predict(features), labels)
  }

  /// The class with the most weight among one row's neighbours.
  private func vote(_ neighbors: (indices: [Int], similarities: [Float])) -> Int {
    var weights = [Float](repeating: 0, count: classCount)
    let peak = neighbors.similarities.first ?? 0
    for (index, similarity) in zip(neighbors.indices, neighbors.similarities) {
      // Relative to the nearest: at low temperatures the weights themselves overflow.
      weights[labels[index]] += expf((similarity - peak) / temperature)
    }
    return weights.indices.max { weights[$0] < weights[$1] } ?? 0
  }
}

/// The rows of a bank that are most similar to each of some other rows, by cosine.
///
/// - Parameters:
///   - queries: A tensor of shape [count, width].
///   - bank: A tensor of shape [rows, width], in which neighbors are looked up.
///   - k: How many are found; at most the rows there are.
/// - Returns: For each query the numbers of the bank's rows, the nearest first, and their cosines.
/// - Precondition: The features are finite.
public func nearestNeighbors(
  of queries: Tensor, among bank: Tensor, k: Int
) -> [(indices: [Int], similarities: [Float])] {
  precondition(
    queries.rank == 2 && bank.rank == 2 && queries.shape[1] == bank.shape[1] && bank.shape[0] > 0
      && k > 0,
    "nearestNeighbors needs queries [count, width], a bank [rows, width] and a k above zero; got "
      + "shapes \(queries.shape) and \(bank.shape) and \(k)")
  checkFinite(queries, "nearestNeighbors")
  checkFinite(bank, "nearestNeighbors")
  return nearest(
    to: queries, amongUnits: l2Normalized(bank.detached), k: min(k, bank.shape[0]))
}

/// The same among rows of length 1; a chunk of queries at a time, so that memory does not grow with
/// their count.
private func nearest(
  to queries: Tensor, amongUnits bank: Tensor, k: Int
) -> [(indices: [Int], similarities: [Float])] {
  // What the products keep beside the bank is as large as the bank.
  defer { bank.invalidateCache() }
  let chunk = max(1, (1 << 24) / bank.shape[0])
  return queries.detached.chunks(of: chunk).flatMap { queries in
    // The cosine of every query and bank row.
    withMatmulPrecision(.float32) { linear(l2Normalized(queries), bank) }.topK(k)
      .map { (indices: $0.indices, similarities: $0.values) }
  }
}

/// Features that are not finite have no neighbors and no scores: a share of right answers would say
/// nothing.
func checkFinite(_ features: Tensor, _ judge: String) {
  precondition(
    features.isFinite,
    "\(judge) needs features that are finite numbers; some are NaN or infinite, as those of a "
      + "training that has diverged")
}
