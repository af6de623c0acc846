internal import CTensorKernels

/// A weight[outputs, ky, kx, c] as [ky, kx · c, outputs], so that outputs are next to each other as in
/// results, cached with it; in bfloat16 two terms of a line to a word.
final class OutputColumns: Packing {
  struct Key: Equatable {
    let shape: TensorShape
    let precision: MatmulPrecision
  }

  let key: Key
  private let storage: Storage
  var pointer: UnsafePointer<Float> { UnsafePointer(storage.pointer) }

  static func of(_ weight: Tensor, _ precision: MatmulPrecision) -> OutputColumns {
    let key = Key(shape: weight.shape, precision: precision)
    return weight.cached(key) { OutputColumns(weight, key) }
  }

  private init(_ weight: Tensor, _ key: Key) {
    self.key = key
    let (outputs, patch) = (key.shape[0], key.shape.elementCount(1..<4))
    switch key.precision {
    case .float32:
      storage = Storage(elementCount: outputs * patch)
      ctk_transpose_panel(weight.pointer, patch, outputs, patch, storage.pointer)
    case .bfloat16:
      let (lines, terms) = (key.shape[1], key.shape.elementCount(2..<4))
      let pairs = BFloat16Gemm.pairCount(terms)
      storage = Storage(elementCount: lines * pairs * outputs)
      let rounded = Storage(elementCount: outputs * pairs)
      for line in 0..<lines {
        ctk_round_rows(
          Numbers(weight.pointer + line * terms).layout, patch, outputs, terms,
          rounded.pointer.pairs)
        // A pair moves as a float does.
        ctk_transpose_panel(
          rounded.pointer, pairs, outputs, pairs, storage.pointer + line * pairs * outputs)
      }
      extendLifetime(rounded)
    }
    extendLifetime(weight.storage)
  }
}
