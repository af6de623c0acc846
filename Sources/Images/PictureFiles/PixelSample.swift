/// A whole number that stands for a value 0...1 in images that are kept.
package protocol PixelSample: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable {}

extension UInt8: PixelSample {}
extension UInt16: PixelSample {}

extension PixelSample {
  /// A value 0...1, rounded; 0 for what is no number.
  @inline(__always)
  package init(rounding value: Float) {
    self = value > 0 ? Self((Swift.min(value, 1) * Float(Self.max)).rounded()) : 0
  }

  /// The value 0...1.
  @inline(__always)
  package var value: Float { Float(self) / Float(Self.max) }
}
