extension Tensor {
  /// Lets `body` write this tensor's numbers, in a copy if another tensor shares them.
  package mutating func mutate(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    if offset != 0 || !isKnownUniquelyReferenced(&storage) {
      let source = self
      self = Tensor(shape) { $0.update(from: source.pointer, count: source.elementCount) }
    }
    storage.releaseDerived()
    body(storage.pointer)
  }

  /// Forgets what kernels have kept beside these numbers.
  package func releaseDerived() { storage.releaseDerived() }

  /// What `make` computes of these numbers alone, kept with them if it suits the next caller.
  func derived<Kept: Derived>(where suits: (Kept) -> Bool, _ make: () -> Kept) -> Kept {
    offset == 0 ? storage.derived(where: suits, make) : make()
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
      Parallel.forRanges(other.elementCount, grain: parallelGrain) { range in
        for index in range { sum[index] += addend[index] }
      }
    }
  }
}
