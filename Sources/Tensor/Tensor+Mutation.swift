extension Tensor {
  /// Lets `body` write this tensor's numbers, in a copy if another tensor shares them.
  package mutating func mutate(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    if offset != 0 || !isKnownUniquelyReferenced(&storage) {
      let source = self
      self = Tensor(shape) { $0.update(from: source.pointer, count: source.elementCount) }
    }
    storage.prepareForWriting()
    body(storage.pointer)
  }

  /// Frees what kernels cached with these numbers.
  package func invalidateCache() { storage.invalidate() }

  /// The packing of these numbers with this key, cached with them.
  func cached<Packed: Packing>(_ key: Packed.Key, _ make: () -> Packed) -> Packed {
    offset == 0 ? storage.cached(key, make) : make()
  }

  /// Adds the numbers of another tensor of this shape, in place if no tensor shares these.
  mutating func accumulate(_ other: Tensor) {
    guard shape == other.shape, offset == 0, isKnownUniquelyReferenced(&storage) else {
      self = self + other
      return
    }
    defer { extendLifetime(other.storage) }
    let addend = other.pointer
    mutate { sum in
      Parallel.forRanges(other.elementCount, grain: Tuning.parallelGrain) { range in
        for index in range { sum[index] += addend[index] }
      }
    }
  }
}
