import Foundation
import Tensor

// What features say of themselves, where there are no labels. Features are compared by their
// direction; no gradient flows.

/// How far two views of an image lie apart: the mean of ‖a - b‖² over images, between features of
/// unit length (Wang & Isola, 2020, with α = 2).
///
/// - Parameters:
///   - first: Features of the first views, of shape [count, width].
///   - second: Features of the second views of the same images.
/// - Returns: In 0...4: 0 if views of an image are alike, which those of all images also are in a
///   collapsed network; 2 on average if they have nothing in common.
public func alignment(_ first: Tensor, _ second: Tensor) -> Float {
  checkPairs(first, second, "alignment")
  return withoutGradients {
    let products = (l2Normalized(first.detached) * l2Normalized(second.detached)).sum(axes: [1])
    return 2 - 2 * products.mean().item
  }
}

/// How evenly features cover the sphere: log mean exp(-2 ‖a - b‖²) over pairs of different images,
/// between features of unit length (Wang & Isola, 2020, with t = 2).
///
/// - Parameter features: A tensor of shape [count, width], of two images or more.
/// - Returns: 0 if all are alike, about -4 if they are spread over all of a sphere of many
///   dimensions.
public func uniformity(_ features: Tensor) -> Float {
  let count = features.shape[0]
  precondition(
    features.rank == 2 && count > 1,
    "uniformity needs features [count, width] of two images or more; got shape \(features.shape)")
  return withoutGradients {
    var sum = 0.0
    forCosines(of: features) { first, cosines in
      // ‖a - b‖² = 2 - 2 a · b; a row's own one, which would outweigh small kernels, is left out.
      for (index, kernel) in exp(cosines * 4 - 4).scalars.enumerated()
      where index % count != first + index / count {
        sum += Double(kernel)
      }
    }
    return Float(log(sum / Double(count * (count - 1))))
  }
}

/// The rows most similar to each row, by cosine, without itself.
///
/// - Parameters:
///   - features: A tensor of shape [count, width].
///   - k: How many are found; at most count - 1.
/// - Returns: For each row the numbers of others, the nearest first.
public func nearestNeighbors(of features: Tensor, k: Int) -> [[Int]] {
  precondition(
    features.rank == 2 && features.shape[0] > 1 && k > 0,
    "nearestNeighbors needs features [count, width] of two images or more and a k above zero; got "
      + "shape \(features.shape) and \(k)")
  return withoutGradients {
    var neighbors: [[Int]] = []
    forCosines(of: features) { first, cosines in
      let found = cosines.topK(min(k + 1, features.shape[0]))
      neighbors += found.enumerated().map { row, found in
        // A row may have twins that come before itself, or even push it out.
        Array(found.indices.filter { $0 != first + row }.prefix(k))
      }
    }
    return neighbors
  }
}

/// The share of an image's neighbors that two sets of features have in common, on average over
/// images.
///
/// - Parameters:
///   - first: The neighbors of each image by one set of features, of ``nearestNeighbors(of:k:)``.
///   - second: Those of the same images by the other.
/// - Returns: In 0...1; about k / count by chance.
public func neighborOverlap(_ first: [[Int]], _ second: [[Int]]) -> Float {
  precondition(
    first.count == second.count && !first.isEmpty,
    "neighborOverlap needs the neighbors of the same images; got \(first.count) and \(second.count)"
  )
  let shares = zip(first, second).map { first, second in
    Float(Set(first).intersection(second).count) / Float(max(1, first.count))
  }
  return shares.reduce(0, +) / Float(shares.count)
}

/// How well a linear classifier of features tells by which of some angles images are turned, which
/// follows what it would tell by labels where images have an upright position (Reed et al., 2021).
///
/// The ``LogisticRegression`` is fitted to the first half of the images and tested on the others.
///
/// - Parameter turned: Features [count, width] of the same images, turned by each of the angles.
/// - Returns: The share of right answers; one over the count of angles by chance.
public func rotationAccuracy(_ turned: [Tensor]) -> Float {
  let half = (turned.first?.shape[0] ?? 0) / 2
  precondition(
    turned.count > 1 && half > 0
      && turned.allSatisfy { $0.rank == 2 && $0.shape == turned[0].shape },
    "rotationAccuracy needs features [count, width] of two angles or more and of two images or more; "
      + "got shapes \(turned.map(\.shape))")
  let count = turned[0].shape[0]
  func rows(_ range: Range<Int>) -> (features: Tensor, labels: [Int]) {
    (
      concatenated(turned.map { $0.detached[range] }),
      turned.indices.flatMap { Array(repeating: $0, count: range.count) }
    )
  }
  let (training, test) = (rows(0..<half), rows(half..<count))
  let scaling = FeatureScaling(training.features)
  return LogisticRegression(scaling(training.features), labels: training.labels)
    .accuracy(scaling(test.features), labels: test.labels)
}

/// Calls `body` with the cosines [rows, count] of some rows at a time with all, and with the number
/// of the first of them.
private func forCosines(of features: Tensor, _ body: (Int, Tensor) -> Void) {
  checkFinite(features, "a measure without labels")
  let units = l2Normalized(features.detached)
  let (count, columns) = (units.shape[0], units.transposed())
  for first in stride(from: 0, to: count, by: rowsAtATime) {
    let rows = units[first..<min(first + rowsAtATime, count)]
    body(first, withMatmulPrecision(.float32) { matmul(rows, columns) })
  }
}

private let rowsAtATime = 256

private func checkPairs(_ first: Tensor, _ second: Tensor, _ measure: String) {
  precondition(
    first.rank == 2 && first.shape == second.shape && first.shape[0] > 0,
    "\(measure) needs features [count, width] of two views of the same images; got shapes "
      + "\(first.shape) and \(second.shape)")
}
