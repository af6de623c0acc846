/// Means and biased variances of channels, and of how many values they are.
struct ChannelMoments {
  var mean: [Double]
  var variance: [Double]
  var count: Int
}

extension ProcessGroup {
  /// The moments of all processes' values from those of each one's: the same bits on each.
  ///
  /// With n = Σ nᵣ the mean is Σ nᵣ μᵣ / n, and the variance Σ nᵣ (σᵣ² + (μᵣ - μ)²) / n.
  func combined(_ own: ChannelMoments) -> ChannelMoments {
    guard !isSingle else { return own }
    let channels = own.mean.count
    let length = 1 + 2 * channels
    let all = allGather(
      [Double(own.count)] + own.mean + own.variance, counts: Array(repeating: length, count: size),
      filler: 0)
    let counts = (0..<size).map { all[$0 * length] }
    let count = counts.reduce(0, +)
    var result = own
    result.count = Int(count)
    for channel in 0..<channels {
      func numbers(_ rank: Int) -> (n: Double, mean: Double, variance: Double) {
        let start = rank * length + 1 + channel
        return (counts[rank], all[start], all[start + channels])
      }
      let mean = (0..<size).reduce(0) { $0 + numbers($1).n * numbers($1).mean } / count
      result.mean[channel] = mean
      result.variance[channel] =
        (0..<size).reduce(0) { sum, rank in
          let (n, own, variance) = numbers(rank)
          return sum + n * (variance + (own - mean) * (own - mean))
        } / count
    }
    return result
  }
}
