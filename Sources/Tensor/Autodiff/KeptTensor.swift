/// A tensor that a reverse pass will read: its numbers, or what makes them again.
///
/// What a normalization makes of numbers that its own reverse pass keeps anyway costs at most one pass
/// over memory to make again, and as much memory as they have to keep.
enum KeptTensor: Sendable {
  case stored(Tensor)
  case deferred(DeferredNormalization, shape: TensorShape, offset: Int)

  /// The numbers, with the same bits as before.
  var tensor: Tensor {
    switch self {
    case .stored(let tensor): tensor
    case .deferred(let normalization, let shape, let offset):
      Tensor(storage: Storage(normalization), offset: offset, shape: shape)
    }
  }
}

extension Tensor {
  /// This tensor for a reverse pass, without its record.
  var kept: KeptTensor {
    guard let normalization = storage.normalization else { return .stored(detached) }
    if storage.isWritten, elementCount < Tuning.leastRecomputed { return .stored(detached) }
    return .deferred(normalization, shape: shape, offset: offset)
  }
}
