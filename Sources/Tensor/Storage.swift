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
  /// The memory, but of numbers that are written when they are asked for.
  private let block: BufferPool.Block?
  /// What writes those.
  private(set) var normalization: DeferredNormalization?
  private let written = Mutex<Storage?>(nil)
  /// The same numbers as floats, if they are not and somebody asked for them.
  private let floats = Mutex<BufferPool.Block?>(nil)
  private let cache = Mutex<(any Packing)?>(nil)

  init(elementCount: Int, _ format: NumberFormat = .float32) {
    (self.elementCount, self.format) = (elementCount, format)
    block = BufferPool.shared.take(format.floatCount(elementCount))
  }

  /// The numbers that a normalization makes, which it writes when they are asked for.
  init(_ normalization: DeferredNormalization) {
    (elementCount, format) = (normalization.input.elementCount, normalization.input.format)
    self.normalization = normalization
    block = nil
  }

  deinit {
    block.map { BufferPool.shared.give($0) }
    floats.withLock { $0 }.map { BufferPool.shared.give($0) }
  }

  /// The numbers as they are.
  var numbers: MutableNumbers {
    if let block { return MutableNumbers(block.pointer, format) }
    return writtenStorage.numbers
  }

  /// Whether the numbers are in memory.
  var isWritten: Bool { block != nil || written.withLock { $0 != nil } }

  private var writtenStorage: Storage {
    if let made = written.withLock({ $0 }) { return made }
    guard let normalization else {
      preconditionFailure("a storage has neither memory nor a source")
    }
    // Not under the lock, which a thread that helps with this might ask for.
    let made = normalization.computed().storage
    return written.withLock { written in
      written = written ?? made
      return written ?? made
    }
  }

  /// The numbers as floats; of others a copy, which is made once.
  var pointer: UnsafeMutablePointer<Float> {
    if format == .float32 { return numbers.floats }
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
    if normalization != nil {
      _ = numbers
      normalization = nil
    }
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
