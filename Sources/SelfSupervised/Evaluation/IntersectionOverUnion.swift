import Tensor

/// How well predicted classes of pixels cover the true ones.
///
/// Of a class, the pixels that both give it over those that either gives it, counted over the whole
/// set (the PASCAL VOC measure of segmentation).
public struct IntersectionOverUnion: Sendable {
  /// One number in 0...1 for each class; not a number for one that occurs on neither side.
  public let ofClasses: [Float]

  /// The measure of predictions against labels, both classes in `0..<classCount` of the same
  /// pixels.
  public init(of predictions: [Int], labels: [Int], classCount: Int) {
    precondition(
      predictions.count == labels.count,
      "IntersectionOverUnion needs a label for each prediction; got \(predictions.count) and "
        + "\(labels.count)")
    var both = [Int](repeating: 0, count: classCount)
    var (predicted, labeled) = (both, both)
    for (prediction, label) in zip(predictions, labels) {
      precondition(
        both.indices.contains(prediction) && both.indices.contains(label),
        "IntersectionOverUnion needs classes in 0..<\(classCount); got \(prediction) and \(label)")
      predicted[prediction] += 1
      labeled[label] += 1
      if prediction == label { both[label] += 1 }
    }
    ofClasses = both.indices.map { index in
      let union = predicted[index] + labeled[index] - both[index]
      return union > 0 ? Float(both[index]) / Float(union) : .nan
    }
  }

  /// The mean over the classes that occur.
  public var mean: Float {
    let known = ofClasses.filter { !$0.isNaN }
    return known.reduce(0, +) / Float(max(1, known.count))
  }
}
