/// out[length] = Σₜ weights[t] · rows[t][length], for t in 0..<count
///
/// The heart of both resampling and blurring: every pass down the columns is this over rows, and a
/// blur along a row is this over one row shifted by whole pixels.
package func weightedSum(
  of rows: UnsafePointer<UnsafePointer<Float>>, weights: UnsafePointer<Float>, count: Int,
  into out: UnsafeMutablePointer<Float>, length: Int
) {
  // Two sums of sixteen lanes are eight registers: enough additions in flight to hide their
  // latency.
  var position = 0
  while position &+ 32 <= length {
    var first = SIMD16<Float>(repeating: 0)
    var second = SIMD16<Float>(repeating: 0)
    for tap in 0..<count {
      let row = rows[tap] + position
      first += load(SIMD16<Float>.self, row) * weights[tap]
      second += load(SIMD16<Float>.self, row + 16) * weights[tap]
    }
    store(first, out + position)
    store(second, out + position + 16)
    position &+= 32
  }
  while position < length {
    var sum: Float = 0
    for tap in 0..<count { sum += rows[tap][position] * weights[tap] }
    out[position] = sum
    position &+= 1
  }
}

/// The floats at `pointer`, which need not be aligned for a vector.
@inline(__always)
func load<Vector: BitwiseCopyable>(_: Vector.Type, _ pointer: UnsafePointer<Float>) -> Vector {
  UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

/// Writes the floats of a vector to `pointer`, which need not be aligned for one.
@inline(__always)
func store<Vector: BitwiseCopyable>(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
}
