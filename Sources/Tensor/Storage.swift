internal import CTensorKernels
import Synchronization

/// A block of numbers from the pool, shared by the tensors that view it.
///
/// It is written while its first tensor is being made, or by a `Parameter`, a `Buffer` or a sum of
/// gradients with the only reference; otherwise it is read-only.
// Unchecked: nothing writes once a second reference can exist.
final class Storage: @unchecked Sendable {
  let format: NumberFormat
  private let elementCount: Int
  private let block: BufferPool.Block
  /// The same numbers as floats, if they are not and somebody asked for them.
  private let floats = Mutex<BufferPool.Block?>(nil)
  private let cache = Mutex<(any Packing)?>(nil)
  /// How the numbers are computed again, where a reverse pass had better do so than keep them. Set
  /// by the operation that made them.
  var recomputation: Recomputation?

  init(elementCount: Int, _ format: NumberFormat = .float32) {
    (self.elementCount, self.format) = (elementCount, format)
    block = BufferPool.shared.take(format.floatCount(elementCount))
  }

  deinit {
    BufferPool.shared.give(block)
    floats.withLock { $0 }.map { BufferPool.shared.give($0) }
  }

  /// The numbers as they are.
  var numbers: MutableNumbers { MutableNumbers(block.pointer, format) }

  /// The numbers as floats; of others a copy, which is made once.
  var pointer: UnsafeMutablePointer<Float> {
    if format == .float32 { return block.pointer }
    if let made = floats.withLock({ $0 }) { return made.pointer }
    let made = widened()
    return floats.withLock { floats in
      if let earlier = floats {
        BufferPool.shared.give(made)
        return earlier.pointer
      }
      floats = made
      return made.pointer
    }
  }

  private func widened() -> BufferPool.Block {
    let (made, source) = (BufferPool.shared.take(elementCount), numbers.halves)
    Parallel.forRanges(elementCount, grain: Tuning.parallelGrain) { range in
      ctk_widen(source + range.lowerBound, range.count, made.pointer + range.lowerBound)
    }
    return made
  }

  /// The cached packing of these numbers if it has this key, else a new one, which replaces it.
  ///
  /// The views of a batch and their gradients share a network's weights, and so their packing.
  func cached<Packed: Packing>(_ key: Packed.Key, _ make: () -> Packed) -> Packed {
    cache.withLock { cache in
      if let packed = cache as? Packed, packed.key == key { return packed }
      let packed = make()
      cache = packed
      return packed
    }
  }

  /// Frees the cached packing: its memory is worth more than its time.
  func invalidate() { cache.withLock { $0 = nil } }

  /// The numbers change: what was made of the earlier ones does not hold.
  func prepareForWriting() {
    invalidate()
    recomputation = nil
    floats.withLock { floats in
      floats.map { BufferPool.shared.give($0) }
      floats = nil
    }
  }
}

/// A copy of a storage's numbers in the order of some kernel.
protocol Packing: AnyObject, Sendable {
  associatedtype Key: Equatable

  /// What it depends on besides the numbers.
  var key: Key { get }
}
