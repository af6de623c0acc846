/// A tensor that a reverse pass will read: its numbers, or how they are computed again.
///
/// What a normalization makes of numbers that its own reverse pass keeps anyway costs one pass over
/// memory to make again, and as much memory as they have to keep.
enum KeptTensor: Sendable {
  case stored(Tensor)
  case computed(shape: TensorShape, offset: Int, Recomputation)

  /// The numbers, with the same bits as before.
  var tensor: Tensor {
    switch self {
    case .stored(let tensor): tensor
    case .computed(let shape, let offset, let recomputation):
      Tensor(storage: recomputation().storage, offset: offset, shape: shape)
    }
  }
}

/// Computes all numbers of a storage again.
typealias Recomputation = @Sendable () -> Tensor

extension Tensor {
  /// This tensor for a reverse pass, without its record.
  var kept: KeptTensor {
    guard let recomputation = storage.recomputation else { return .stored(detached) }
    return .computed(shape: shape, offset: offset, recomputation)
  }
}
