import Tensor

/// How often the largest score is that of the right class.
///
/// ```swift
/// let share = accuracy(net(test.images), labels: test.labels)
/// ```
///
/// Of equal scores that of the lowest class counts, as in `argmax`. A row with a NaN is wrong.
///
/// - Parameters:
///   - logits: Scores of shape [count, classes].
///   - labels: The class of each row, in `0..<classes`.
/// - Returns: The share of the rows that are right, 0...1.
/// - Precondition: There is at least one row, and a label for each.
public func accuracy(_ logits: Tensor, labels: [Int]) -> Float {
  accuracy(logits, labels: labels, top: 1)
}

/// How often the right class is among those of the `count` largest scores: top-5 accuracy, say.
///
/// Of equal scores those of the lowest classes count. A row with a NaN is wrong.
///
/// - Parameters:
///   - logits: Scores of shape [count, classes].
///   - labels: The class of each row, in `0..<classes`.
///   - count: How many classes may be named.
/// - Returns: The share of the rows that are right, 0...1.
/// - Precondition: There is at least one row, a label for each, and that many classes.
public func accuracy(_ logits: Tensor, labels: [Int], top count: Int) -> Float {
  precondition(
    logits.rank == 2 && logits.shape[0] == labels.count && !labels.isEmpty,
    "accuracy needs logits [count, classes] of at least one row and a label for each; got shape "
      + "\(logits.shape) and \(labels.count) labels")
  let classes = logits.shape[1]
  precondition(
    labels.allSatisfy { (0..<classes).contains($0) },
    "accuracy needs labels in 0..<\(classes); got \(labels.min() ?? 0) to \(labels.max() ?? 0)")
  precondition(
    (1...classes).contains(count), "accuracy needs a top in 1...\(classes); got \(count)")
  // NaN is larger than all numbers: a row's first one tells.
  let right = zip(logits.topK(count), labels).count { row, label in
    !row.values[0].isNaN && row.indices.contains(label)
  }
  return Float(right) / Float(labels.count)
}

/// The share of predictions that are the labels; 0 if there are none.
func shareOfRight(_ predictions: [Int], _ labels: [Int]) -> Float {
  precondition(
    predictions.count == labels.count,
    "accuracy needs a label for each row; got \(predictions.count) rows and \(labels.count) labels")
  return Float(zip(predictions, labels).count { $0 == $1 }) / Float(max(1, labels.count))
}
