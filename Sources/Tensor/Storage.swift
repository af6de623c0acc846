import Synchronization

/// A block of floats from the pool, shared by the tensors that view it.
///
/// It is written while its first tensor is being made, or by a `Parameter`, a `Buffer` or a sum of
/// gradients with the only reference; otherwise it is read-only.
// Unchecked: nothing writes once a second reference can exist.
final class Storage: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  let block: BufferPool.Block
  private let cache = Mutex<(any Packing)?>(nil)
  /// How the numbers are computed again, where a reverse pass had better do so than keep them. Set
  /// by the operation that made them.
  var recomputation: Recomputation?

  init(elementCount: Int) {
    block = BufferPool.shared.take(elementCount)
    pointer = block.pointer
  }

  deinit { BufferPool.shared.give(block) }

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
  }
}

/// A copy of a storage's numbers in the order of some kernel.
protocol Packing: AnyObject, Sendable {
  associatedtype Key: Equatable

  /// What it depends on besides the numbers.
  var key: Key { get }
}
