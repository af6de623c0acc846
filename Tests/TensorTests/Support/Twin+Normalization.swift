extension Twin {
  /// (x - mean) / √(variance + ε) · scale + bias, with the statistics of the values of one
  /// group.
  static func normalized(
    _ x: Twin, scale: Twin?, bias: Twin?, epsilon: Double = 1e-5, group: (_ index: [Int]) -> [Int]
  ) -> Twin {
    var members: [[Int]: [Double]] = [:]
    forEachIndex(of: x.shape) { members[group($0), default: []].append(x[$0]) }
    let statistics = members.mapValues { values in
      let mean = values.reduce(0, +) / Double(values.count)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (mean: mean, variance: squares / Double(values.count))
    }
    let normal = Twin(x.shape) { index in
      let (mean, variance) = statistics[group(index)] ?? (0, 0)
      return (x[index] - mean) / (variance + epsilon).squareRoot()
    }
    return (scale.map { Twin.zip(normal, $0, *) } ?? normal) + bias
  }

  /// The end of a fused normalisation: a residual and an activation.
  func finished(residual: Twin?, isRectified: Bool) -> Twin {
    let sum = self + residual
    return isRectified ? sum.map { max(0, $0) } : sum
  }
}
