import Synchronization

/// A block of floats from the pool, shared by the tensors that view it.
///
/// Written only while its first tensor is being made, or by a `Parameter`, a `Buffer` or a sum of gradients
/// that holds the only reference; read-only ever after.
// Unchecked: nothing writes once a second reference can exist.
final class Storage: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  let block: BufferPool.Block
  private let kept = Mutex<(any Derived)?>(nil)

  init(elementCount: Int) {
    block = BufferPool.shared.take(elementCount)
    pointer = block.pointer
  }

  deinit { BufferPool.shared.give(block) }

  /// What a kernel computed from these numbers, once for all its calls: the views of a batch and
  /// their gradients share a network's weights. One thing is kept, if it suits.
  func derived<Kept: Derived>(where suits: (Kept) -> Bool, _ make: () -> Kept) -> Kept {
    kept.withLock { kept in
      if let kept = kept as? Kept, suits(kept) { return kept }
      let made = make()
      kept = made
      return made
    }
  }

  /// Forgets what was derived: the numbers change, or its memory is worth more than its time.
  func releaseDerived() { kept.withLock { $0 = nil } }
}

/// What a kernel computed from the numbers of a storage and those alone.
protocol Derived: AnyObject, Sendable {}
