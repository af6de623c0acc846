/// How a file stores one value of a pixel.
enum SampleType: Sendable, Hashable {
  case uint8, uint16, float32, float64

  /// The bytes of a value.
  var byteCount: Int {
    switch self {
    case .uint8: 1
    case .uint16: 2
    case .float32: 4
    case .float64: 8
    }
  }

  /// The bits of a value.
  var bits: Int { 8 * byteCount }

  /// Whether values are no whole numbers, of which any may stand in a file.
  var isFloat: Bool { self == .float32 || self == .float64 }

  /// The value that becomes 1 where no range is given.
  var full: Float {
    switch self {
    case .uint8: 255
    case .uint16: 65_535
    case .float32, .float64: 1
    }
  }

  /// The value number `index` of those that begin at `start`, as stored.
  @inline(__always)
  func load(_ start: UnsafeRawPointer, _ index: Int) -> Float {
    let place = index &* byteCount
    return switch self {
    case .uint8: Float(start.loadUnaligned(fromByteOffset: place, as: UInt8.self))
    case .uint16: Float(start.loadUnaligned(fromByteOffset: place, as: UInt16.self))
    case .float32: start.loadUnaligned(fromByteOffset: place, as: Float.self)
    case .float64: Float(start.loadUnaligned(fromByteOffset: place, as: Double.self))
    }
  }
}
