internal import CTensorKernels

extension Tensor {
  /// Lets `body` write this tensor's numbers as floats, in a copy if another tensor shares them or
  /// if they are no floats.
  package mutating func mutate(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    if format != .float32 { self = inFormat(.float32) }
    mutateNumbers { body($0.floats) }
  }

  /// The same for numbers as they are in memory.
  mutating func mutateNumbers(_ body: (MutableNumbers) -> Void) {
    if offset != 0 || !isKnownUniquelyReferenced(&storage) {
      let source = self
      self = Tensor(shape, format) {
        $0.address.copyMemory(from: source.numbers.address, byteCount: source.byteCount)
      }
    }
    storage.prepareForWriting()
    body(storage.numbers)
  }

  /// The same numbers in a format, rounded to it where they have more digits, without record.
  func inFormat(_ format: NumberFormat) -> Tensor {
    guard format != self.format else { return detached }
    defer { extendLifetime(storage) }
    guard format == .bfloat16 else {
      return Tensor(shape) { $0.update(from: pointer, count: elementCount) }
    }
    let source = pointer
    return Tensor(shape, format) { out in
      let halves = out.halves
      Parallel.forRanges(elementCount, grain: Tuning.parallelGrain) { range in
        ctk_narrow(source + range.lowerBound, range.count, halves + range.lowerBound)
      }
    }
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
    if (format, other.format) == (.bfloat16, .bfloat16) { return accumulateHalves(other) }
    let addend = other.pointer
    mutate { sum in
      Parallel.forRanges(other.elementCount, grain: Tuning.parallelGrain) { range in
        for index in range { sum[index] += addend[index] }
      }
    }
  }

  private mutating func accumulateHalves(_ other: Tensor) {
    let addend = other.numbers.halves
    mutateNumbers { sum in
      let sum = sum.halves
      Parallel.forRanges(other.elementCount, grain: Tuning.parallelGrain) { range in
        ctk_add_narrow(sum + range.lowerBound, addend + range.lowerBound, range.count)
      }
    }
  }
}
