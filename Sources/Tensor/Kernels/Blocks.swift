extension Range<Int> {
  /// Consecutive parts of `size`, of which the last may be smaller.
  @inline(__always)
  func blocks(of size: Int) -> LazyMapSequence<StrideTo<Int>, Range<Int>> {
    let end = upperBound
    return stride(from: lowerBound, to: end, by: size).lazy.map { $0..<Swift.min(end, $0 + size) }
  }

  /// As few parts of at most `size` as possible, all but the last of one size.
  func evenBlocks(ofAtMost size: Int) -> LazyMapSequence<StrideTo<Int>, Range<Int>> {
    let parts = Swift.max(1, (count + size - 1) / size)
    return blocks(of: Swift.max(1, (count + parts - 1) / parts))
  }
}
