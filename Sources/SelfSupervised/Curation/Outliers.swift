import Tensor

/// How far apart from the others each row of features lies: the root of the mean squared distance to
/// its nearest rows.
///
/// Columns are brought to mean 0 and deviation 1 first, so that what few pictures show counts as much
/// as what many show. Lengths count too, unlike in the vote of neighbors: noise and blank pictures
/// differ from others by these.
///
/// - Parameters:
///   - features: A tensor of shape [count, width], of three rows or more.
///   - k: How many nearest rows count; if it is nil, the root of the count, so that a few outliers of
///     one kind do not hide each other.
/// - Returns: A score of zero or more for each row; the larger, the further apart.
/// - Precondition: The features are finite.
public func outlierScores(_ features: Tensor, k: Int? = nil) -> [Float] {
  let count = features.shape.first ?? 0
  precondition(
    features.rank == 2 && count > 2 && k ?? 1 > 0,
    "outlierScores needs features [count, width] of three rows or more and a k above zero; got shape "
      + "\(features.shape) and \(k.map(String.init) ?? "none")")
  checkFinite(features, "outlierScores")
  let k = min(k ?? Int(Float(count).squareRoot()), count - 1)
  return withoutGradients {
    let rows = FeatureScaling(features.detached)(features.detached)
    let squares = (rows * rows).sum(axes: [1])
    let chunk = max(1, (1 << 24) / count)
    return stride(from: 0, to: count, by: chunk).flatMap { start -> [Float] in
      let part = start..<min(start + chunk, count)
      // |a - b|² = |a|² + |b|² - 2 a · b; the nearest is the row itself, at about zero.
      let products = withMatmulPrecision(.float32) { linear(rows[part], rows) }
      let nearness = products * 2 - squares
      return zip(squares[part].scalars, nearness.topK(k + 1)).map { square, found in
        let distances = found.values.map { max(0, square - $0) }
        return (distances.reduce(0, +) / Float(k)).squareRoot()
      }
    }
  }
}
