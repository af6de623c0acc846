/// out[length] = Σₜ weights[t] · rows[t][length], for t in 0..<count
///
/// The heart of both resampling and blurring: every pass down the columns is this over rows, and a
/// blur along a row is this over one row shifted by whole pixels.
func weightedSum(
  of rows: UnsafePointer<UnsafePointer<Float>>, weights: UnsafePointer<Float>, count: Int,
  into out: UnsafeMutablePointer<Float>, length: Int
) {
  // Sixteen lanes are four registers: enough sums in flight to hide the latency of an addition.
  var position = 0
  while position &+ 16 <= length {
    var sum = SIMD16<Float>(repeating: 0)
    for tap in 0..<count {
      sum += load(SIMD16<Float>.self, rows[tap] + position) * weights[tap]
    }
    store(sum, out + position)
    position &+= 16
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
