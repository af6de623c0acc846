import Tensor

/// Rows of features that stand for all others: each next one is the row that lies furthest from those
/// chosen (Gonzalez, 1985; as core set for labeling, Sener and Savarese, 2018).
///
/// - Parameters:
///   - features: A tensor of shape [count, width], compared by cosine.
///   - count: How many rows are chosen; at most as many as there are.
///   - chosen: Rows that are chosen already, such as those that have labels.
///   - excluded: Rows that are never chosen, such as duplicates and outliers.
/// - Returns: Rows in the order in which they were chosen; the first one is nearest to the mean if
///   none was chosen before.
public func diverseSelection(
  of features: Tensor, count: Int, after chosen: [Int] = [], excluding excluded: Set<Int> = []
) -> [Int] {
  precondition(
    features.rank == 2 && count >= 0
      && (chosen + excluded).allSatisfy { 0..<features.shape[0] ~= $0 },
    "diverseSelection needs features [count, width], a count of 0 or more and rows of them; got "
      + "shape \(features.shape), \(count) and rows \((chosen + excluded).min() ?? 0)..."
      + "\((chosen + excluded).max() ?? -1)")
  return withoutGradients {
    let units = l2Normalized(features.detached)
    /// The cosine of each row with the nearest one chosen; what is not to be chosen is nearest.
    var nearest = [Float](repeating: -2, count: units.shape[0])
    func take(_ row: Int) {
      let cosines = matmul(units, units[row..<row + 1].transposed()).scalars
      for (index, cosine) in cosines.enumerated() { nearest[index] = max(nearest[index], cosine) }
      nearest[row] = .infinity
    }
    for row in excluded { nearest[row] = .infinity }
    chosen.forEach(take)
    var found: [Int] = []
    while found.count < count {
      let next =
        found.isEmpty && chosen.isEmpty
        ? mostCentral(units, excluded) : nearest.indices.min { nearest[$0] < nearest[$1] }
      guard let next, nearest[next] < .infinity else { break }
      take(next)
      found.append(next)
    }
    return found
  }
}

private func mostCentral(_ units: Tensor, _ excluded: Set<Int>) -> Int? {
  let cosines = matmul(units, units.mean(axes: [0], keepingAxes: true).transposed()).scalars
  return cosines.indices.filter { !excluded.contains($0) }.max { cosines[$0] < cosines[$1] }
}
