/// How a resized image's pixels come from the old ones.
///
/// Both weigh the old pixels around a new one by a curve, which widens with the scale when the image
/// shrinks, so that fine detail is averaged rather than aliased: torchvision's `antialias=True`.
public enum ResizeFilter: Sendable, Hashable {
  /// A tent, over one pixel to each side.
  case bilinear
  /// Keys' cubic with a = -1/2, over two pixels to each side; it can overshoot the range of values.
  case bicubic

  /// How far the curve reaches at scale 1, in pixels.
  var support: Double { self == .bilinear ? 1 : 2 }

  /// The curve's height at a distance from its centre.
  func weight(at distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .bilinear: return max(0, 1 - x)
    case .bicubic where x < 1: return (1.5 * x - 2.5) * x * x + 1
    case .bicubic where x < 2: return ((-0.5 * x + 2.5) * x - 4) * x + 2
    case .bicubic: return 0
    }
  }
}

/// The pixels of a line that make each pixel of a resized line, and their weights.
///
/// Every window has `count` pixels, so that loops over it have one length; at the border some
/// weights are zero.
struct ResampleTaps {
  /// The number of pixels in a window.
  let count: Int
  /// The first pixel of each window, in increasing order.
  let starts: [Int]
  /// The weights of each window, adding up to 1: [count of windows, count]
  let weights: [Float]

  /// The windows of some pixels of the resized line, or of all.
  init(
    from inputLength: Int, to outputLength: Int, _ interpolation: ResizeFilter,
    part: Range<Int>? = nil
  ) {
    let part = part ?? 0..<outputLength
    let scale = Double(inputLength) / Double(outputLength)
    let stretch = max(scale, 1)
    let support = interpolation.support * stretch
    let windows = part.map { index in
      let center = scale * (Double(index) + 0.5)
      let start = max(0, Int(center - support + 0.5))
      return (center, start, end: min(inputLength, Int(center + support + 0.5)))
    }
    let count = windows.reduce(1) { max($0, $1.end - $1.1) }
    self.count = count
    starts = windows.map { min($0.1, inputLength - count) }
    weights = [Float](unsafeUninitializedCapacity: part.count * count) { weights, written in
      for (index, window) in windows.enumerated() {
        let row = index * count
        var total = 0.0
        for tap in 0..<count {
          let position = min(window.1, inputLength - count) + tap
          let isInside = position >= window.1 && position < window.end
          let distance = (Double(position) - window.0 + 0.5) / stretch
          let weight = isInside ? interpolation.weight(at: distance) : 0
          total += weight
          weights[row + tap] = Float(weight)
        }
        for tap in 0..<count { weights[row + tap] /= Float(total) }
      }
      written = part.count * count
    }
  }
}
