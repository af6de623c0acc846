import Foundation

extension Tensor {
  /// The sum over `axes`, or over all of them when none are named.
  public func sum(axes: [Int] = [], keepingAxes: Bool = false) -> Tensor {
    let axes = shape.normalized(axes: axes)
    let kept = shape.reduced(over: axes, keepingAxes: true)
    return reduced(self, over: axes, .sum)
      .reshapedWithoutRecord(shape.reduced(over: axes, keepingAxes: keepingAxes))
      .recorded(from: [self], as: .reduce(.sum, axes: axes, keepingAxes: keepingAxes)) {
        [shape] gradient, _ in
        [gradient.reshapedWithoutRecord(kept).broadcastWithoutRecord(to: shape)]
      }
  }

  /// The mean over `axes`, or over all of them when none are named.
  public func mean(axes: [Int] = [], keepingAxes: Bool = false) -> Tensor {
    let axes = shape.normalized(axes: axes)
    let count = axes.reduce(1) { $0 * shape[$1] }
    return (sum(axes: axes, keepingAxes: keepingAxes) / Float(count)).traced(
      from: [self], as: .reduce(.mean, axes: axes, keepingAxes: keepingAxes))
  }

  /// The variance over `axes`, or over all of them when none are named.
  ///
  /// `correction` is subtracted from the count in the divisor: 0 gives the biased variance, 1 the
  /// unbiased one, which is torch's default.
  public func variance(
    axes: [Int] = [], keepingAxes: Bool = false, correction: Int = 0
  ) -> Tensor {
    let count = shape.normalized(axes: axes).reduce(1) { $0 * shape[$1] }
    precondition(
      count > correction,
      "variance needs more than \(correction) elements; got \(count) from shape \(shape)")
    let centred = self - mean(axes: axes, keepingAxes: true)
    return square(centred).sum(axes: axes, keepingAxes: keepingAxes) / Float(count - correction)
  }

  /// The largest element over `axes`; equals share the gradient.
  public func max(axes: [Int] = [], keepingAxes: Bool = false) -> Tensor {
    extremum(.largest, axes: axes, keepingAxes: keepingAxes)
  }

  /// The smallest element over `axes`; equals share the gradient.
  public func min(axes: [Int] = [], keepingAxes: Bool = false) -> Tensor {
    extremum(.smallest, axes: axes, keepingAxes: keepingAxes)
  }

  private func extremum(
    _ reduction: Reduction, axes: [Int], keepingAxes: Bool, operation: String = #function
  ) -> Tensor {
    let axes = shape.normalized(axes: axes)
    precondition(
      axes.allSatisfy { shape[$0] > 0 },
      "\(operation) needs at least one element along its axes; got shape \(shape) and axes \(axes)")
    let kept = reduced(self, over: axes, reduction)
    return kept.reshapedWithoutRecord(shape.reduced(over: axes, keepingAxes: keepingAxes))
      .recorded(
        from: [self], operation: operation,
        as: .reduce(
          reduction == .largest ? .max : .min, axes: axes, keepingAxes: keepingAxes)
      ) { [x = self] gradient, _ in
        let isExtreme = zipped(x, kept) { $0.each { $0 == $1 ? 1 : 0 } }
        let count = isExtreme.sum(axes: axes, keepingAxes: true)
        return [isExtreme * (gradient.reshapedWithoutRecord(kept.shape) / count)]
      }
  }

  /// log Σ eˣ over one axis, without overflow.
  ///
  /// Of nothing but -∞, as of a row that is masked whole, it is -∞ with a gradient of zero.
  public func logSumExp(axis: Int = -1, keepingAxes: Bool = false) -> Tensor {
    let axes = [shape.normalized(axis: axis)]
    // An infinite peak would give ∞ - ∞.
    let peak = mapped(reduced(self, over: axes, .largest)) { $0.each { $0.isFinite ? $0 : 0 } }
    let powers = mapped(detached - peak) { $0.each { expf($0) } }
    let total = reduced(powers, over: axes, .sum)
    let result = mapped(total) { $0.each { logf($0) } } + peak
    return result.reshapedWithoutRecord(shape.reduced(over: axes, keepingAxes: keepingAxes))
      .recorded(from: [self], as: .reduce(.logSumExp, axes: axes, keepingAxes: keepingAxes)) {
        gradient, _ in
        let share = zipped(gradient.reshapedWithoutRecord(total.shape), total) {
          $0.each { $1 == 0 ? 0 : $0 / $1 }
        }
        return [share * powers]  // g · eˣ / Σ eˣ
      }
  }

  /// The square root of the sum of squares over `axes`; the gradient at zero is zero.
  public func norm(axes: [Int] = [], keepingAxes: Bool = false) -> Tensor {
    let axes = shape.normalized(axes: axes)
    let kept = mapped(reduced(mapped(self) { $0.each { $0 * $0 } }, over: axes, .sum)) {
      $0.each { $0.squareRoot() }
    }
    return kept.reshapedWithoutRecord(shape.reduced(over: axes, keepingAxes: keepingAxes))
      .recorded(from: [self], as: .reduce(.norm, axes: axes, keepingAxes: keepingAxes)) {
        [x = self] gradient, _ in
        let scale = zipped(gradient.reshapedWithoutRecord(kept.shape), kept) {
          $0.each {
            $1 == 0 ? 0 : $0 / $1
          }
        }
        return [x * scale]  // g · x / ‖x‖
      }
  }

  /// The index of the largest entry along the last axis, for each row; the first of equals. NaN is
  /// larger than all numbers.
  public func argmax() -> [Int] { argmaxOfRows(self, columns: shape.last ?? 1) }

  /// The `count` largest entries along the last axis, for each row, in descending order. NaN is
  /// larger than all numbers.
  ///
  /// - Precondition: `count` is at most the size of the last axis.
  public func topK(_ count: Int) -> [(indices: [Int], values: [Float])] {
    let columns = shape.last ?? 1
    precondition(
      count >= 0 && count <= columns, "topK needs a count in 0...\(columns); got \(count)")
    return topOfRows(self, columns: columns, count: count)
  }
}
