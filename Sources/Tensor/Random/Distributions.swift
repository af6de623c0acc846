import Foundation

extension RandomStream {
  /// A number drawn evenly from 0 up to but not including 1, with 24 random bits.
  public mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// A number drawn evenly from `range`.
  public mutating func uniform(in range: Range<Float>) -> Float {
    // Rounding can land on the upper bound, which the range leaves out.
    let value = range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
    return value < range.upperBound ? value : range.lowerBound
  }

  /// A number drawn evenly from `range`, which may be a single point.
  public mutating func uniform(in range: ClosedRange<Float>) -> Float {
    range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
  }

  /// An integer drawn evenly from `range`.
  public mutating func integer(in range: Range<Int>) -> Int { Int.random(in: range, using: &self) }

  /// True with the given probability.
  public mutating func bernoulli(_ probability: Float) -> Bool { uniform() < probability }

  /// A draw from the standard normal distribution, by Box and Muller.
  public mutating func normal() -> Float {
    let radius = (-2 * logf(1 - uniform())).squareRoot()
    return radius * cosf(2 * .pi * uniform())
  }

  /// The numbers 0..<`count` in random order.
  public mutating func permutation(_ count: Int) -> [Int] {
    (0..<count).shuffled(using: &self)
  }
}
