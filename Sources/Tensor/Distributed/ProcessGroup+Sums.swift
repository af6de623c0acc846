/// How floats travel between processes.
public enum MessagePrecision: String, CaseIterable, Sendable {
  /// As they are.
  case float32
  /// Rounded to 8 of their 24 significant bits, which halves messages: numbers are added in 32 bits, and
  /// the sum is rounded again.
  case bfloat16
}

extension ProcessGroup {
  /// Of so many floats the message to each process costs more than its bytes.
  private static let fewFloats = 4_096
  /// Messages stay below MPI's limit.
  private static let mostFloats = 1 << 26

  /// Adds up the processes' floats, element by element, in the order of their ranks: the result has
  /// the same bits on each, whatever carries them and however long the message is.
  ///
  /// Each process adds up one part and sends it to the others: 2 (size - 1) / size of the bytes.
  ///
  /// - Precondition: All processes have as many.
  package func sum(
    _ values: UnsafeMutableBufferPointer<Float>, precision: MessagePrecision = .float32
  ) {
    guard !isSingle, !values.isEmpty else { return }
    for start in stride(from: 0, to: values.count, by: Self.mostFloats) {
      let end = min(start + Self.mostFloats, values.count)
      sumBlock(UnsafeMutableBufferPointer(rebasing: values[start..<end]), precision)
    }
  }

  private func sumBlock(
    _ values: UnsafeMutableBufferPointer<Float>, _ precision: MessagePrecision
  ) {
    switch precision {
    case .float32 where values.count <= Self.fewFloats: sumOfFew(values)
    case .float32:
      sum(values, wire: Float.self, encode: { $0 }, decode: { $0 })
    case .bfloat16:
      sum(
        values, wire: UInt16.self, encode: bfloat16Bits,
        decode: { Float(bitPattern: UInt32($0) << 16) })
    }
  }

  private func sumOfFew(_ values: UnsafeMutableBufferPointer<Float>) {
    let count = values.count
    let all = allGather(
      Array(values), counts: Array(repeating: count, count: size), filler: 0)
    for index in 0..<count {
      values[index] = (1..<size).reduce(all[index]) { $0 + all[$1 * count + index] }
    }
  }

  private func sum<Wire: BitwiseCopyable>(
    _ values: UnsafeMutableBufferPointer<Float>, wire: Wire.Type, encode: (Float) -> Wire,
    decode: (Wire) -> Float
  ) {
    let parts = (0..<size).map { slice(of: values.count, for: $0) }
    let own = parts[rank].count
    let stride = MemoryLayout<Wire>.stride
    let sent = Room(wire, values.count)
    let received = Room(wire, own * size)
    for (index, value) in values.enumerated() { sent.pointer[index] = encode(value) }
    allToAll(
      UnsafeRawBufferPointer(sent.bytes), counts: parts.map { $0.count * stride },
      receivedCounts: Array(repeating: own * stride, count: size), into: received.bytes)
    let sums = Room(wire, own)
    for index in 0..<own {
      sums.pointer[index] = encode(
        (1..<size).reduce(decode(received.pointer[index])) {
          $0 + decode(received.pointer[$1 * own + index])
        })
    }
    allGather(
      UnsafeRawBufferPointer(sums.bytes), counts: parts.map { $0.count * stride }, into: sent.bytes)
    for index in values.indices { values[index] = decode(sent.pointer[index]) }
  }

  /// Room for numbers on their way.
  private struct Room<Wire: BitwiseCopyable>: ~Copyable {
    let pointer: UnsafeMutablePointer<Wire>
    private let count: Int

    init(_ type: Wire.Type, _ count: Int) {
      pointer = .allocate(capacity: max(1, count))
      self.count = count
    }

    deinit { pointer.deallocate() }

    var bytes: UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(start: pointer, count: count * MemoryLayout<Wire>.stride)
    }
  }

  /// The sums of the processes' numbers, element by element, in the order of their ranks.
  ///
  /// - Precondition: All processes have as many.
  package func sum(_ values: [Double]) -> [Double] {
    guard !isSingle else { return values }
    let all = allGather(values, counts: Array(repeating: values.count, count: size), filler: 0)
    return values.indices.map { index in
      (1..<size).reduce(all[index]) { $0 + all[$1 * values.count + index] }
    }
  }

  /// The sum of the processes' numbers, in the order of their ranks.
  package func sum(_ value: Double) -> Double { sum([value])[0] }

  /// The part of `count` entries in a row that a process takes: lengths differ by one at most.
  package func slice(of count: Int, for rank: Int? = nil) -> Range<Int> {
    let rank = rank ?? self.rank
    return count * rank / size..<count * (rank + 1) / size
  }
}

/// The upper 16 bits of a float, rounded to the nearest, ties to even.
private func bfloat16Bits(_ value: Float) -> UInt16 {
  guard !value.isNaN else { return 0x7FC0 }
  let bits = value.bitPattern
  return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
}
