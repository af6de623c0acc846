/// A block of floats from the pool, shared by the tensors that view it.
///
/// Written only while its first tensor is being made, or by a `Parameter` or `Buffer` that holds
/// the only reference; read-only ever after.
// Unchecked: nothing writes once a second reference can exist.
final class Storage: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  let block: BufferPool.Block

  init(elementCount: Int) {
    block = BufferPool.shared.take(elementCount)
    pointer = block.pointer
  }

  deinit { BufferPool.shared.give(block) }
}
