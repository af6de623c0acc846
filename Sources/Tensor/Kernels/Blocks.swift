/// How many parts the threads share out: by the sizes of the work alone, because sums of other parts
/// would have other last bits.
enum Parts {
  /// The most parts with a sum of their own.
  static let most = 16

  /// The parts of a loop over `count` numbers in blocks of about `wanted`: a multiple of four where
  /// there are so many, for any number of threads, but blocks of at least `least`.
  static func blockSize(_ count: Int, wanted: Int, least: Int) -> Int {
    let needed = (count + wanted - 1) / wanted
    let parts = needed > 4 ? (needed + 3) / 4 * 4 : max(needed, min(4, count / least), 1)
    return max(1, (count + parts - 1) / parts)
  }

  /// The parts of a sum over `count` numbers, each with `size` numbers of its own: few enough that
  /// these take at most a quarter of the `read` numbers that are added up.
  static func ofSum(over count: Int, least: Int, size: Int, reading read: Int) -> Int {
    max(1, min(most, count / least, max(2, read / max(1, 4 * size))))
  }
}

/// Consecutive parts of a range. A lazy map would allocate in the loops around small products.
struct Blocks: Sequence, IteratorProtocol {
  private var start: Int
  private let end: Int
  private let size: Int

  @inline(__always)
  fileprivate init(_ range: Range<Int>, size: Int) {
    (start, end, self.size) = (range.lowerBound, range.upperBound, size)
  }

  @inline(__always)
  mutating func next() -> Range<Int>? {
    guard start < end else { return nil }
    let block = start..<Swift.min(end, start + size)
    start = block.upperBound
    return block
  }
}

extension Range<Int> {
  /// Consecutive parts of `size`, of which the last may be smaller.
  @inline(__always)
  func blocks(of size: Int) -> Blocks { Blocks(self, size: size) }

  /// As few parts of at most `size` as possible, all but the last of one size.
  @inline(__always)
  func evenBlocks(ofAtMost size: Int) -> Blocks {
    let parts = Swift.max(1, (count + size - 1) / size)
    return blocks(of: Swift.max(1, (count + parts - 1) / parts))
  }
}
