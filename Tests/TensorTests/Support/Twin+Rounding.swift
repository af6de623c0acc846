import Tensor

extension Twin {
  /// What a product reads of these numbers, to which floats of 32 bits are equal.
  func rounded(to precision: MatmulPrecision) -> Twin {
    switch precision {
    case .float32: self
    case .bfloat16: Twin(shape, values: values.map(Twin.nearestOfEightBits))
    }
  }

  /// The number of eight significant bits that is nearest; of two, the one whose last bit is 0.
  private static func nearestOfEightBits(_ value: Double) -> Double {
    guard value != 0, value.isFinite else { return value }
    let unit = Double(sign: .plus, exponent: value.exponent - 7, significand: 1)
    return (value / unit).rounded(.toNearestOrEven) * unit
  }
}

extension MatmulPrecision {
  /// Those that this processor has.
  static var available: [MatmulPrecision] { hasBFloat16 ? [.float32, .bfloat16] : [.float32] }
}
