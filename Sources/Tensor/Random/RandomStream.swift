import Foundation

/// A stream of random numbers that is a value: seedable, splittable, saved as two integers.
///
/// Counter-based, by Philox 4x32 with ten rounds (Salmon et al., 2011): the n-th number depends on
/// the key and n alone, so a stream can be split per image and give the same numbers on any thread.
public struct RandomStream: RandomNumberGenerator, Hashable, Codable, Sendable {
  private var key: UInt64
  private var position: UInt64 = 0
  private var spare: UInt64 = 0

  /// The stream of `seed`.
  public init(seed: UInt64) { key = seed }

  /// A stream nobody has seen before, from the system's entropy.
  public static func unpredictable() -> RandomStream {
    RandomStream(seed: .random(in: .min ... .max))
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    defer { position &+= 1 }
    if position & 1 == 1 { return spare }
    let block = philox(counter: (position >> 1, 0), key: key)
    spare = block.1
    return block.0
  }

  /// The `index`-th of the independent streams below this one; this one does not move.
  public func split(_ index: Int) -> RandomStream {
    let block = philox(counter: (UInt64(bitPattern: Int64(index)), position | 1 << 63), key: key)
    return RandomStream(seed: block.0 ^ block.1.byteSwapped)
  }

  /// A stream that is independent of what this one gives from now on.
  public mutating func split() -> RandomStream { RandomStream(seed: next()) }
}

/// Ten rounds of Philox 4x32 on two 64-bit halves of the counter.
func philox(counter: (UInt64, UInt64), key: UInt64) -> (UInt64, UInt64) {
  var c0 = UInt32(truncatingIfNeeded: counter.0)
  var c1 = UInt32(truncatingIfNeeded: counter.0 >> 32)
  var c2 = UInt32(truncatingIfNeeded: counter.1)
  var c3 = UInt32(truncatingIfNeeded: counter.1 >> 32)
  var k0 = UInt32(truncatingIfNeeded: key)
  var k1 = UInt32(truncatingIfNeeded: key >> 32)
  for _ in 0..<10 {
    let first = UInt64(c0) &* 0xD251_1F53
    let second = UInt64(c2) &* 0xCD9E_8D57
    c0 = UInt32(truncatingIfNeeded: second >> 32) ^ c1 ^ k0
    c1 = UInt32(truncatingIfNeeded: second)
    c2 = UInt32(truncatingIfNeeded: first >> 32) ^ c3 ^ k1
    c3 = UInt32(truncatingIfNeeded: first)
    k0 = k0 &+ 0x9E37_79B9
    k1 = k1 &+ 0xBB67_AE85
  }
  return (UInt64(c0) | UInt64(c1) << 32, UInt64(c2) | UInt64(c3) << 32)
}
