import Files

/// A whole number that stands for a value 0...1 in images that are kept.
///
/// The loops over pixels are requirements, so that each is compiled for its type here: other modules
/// would run the code for any type, which takes several times as long.
package protocol PixelSample: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable {
  /// out[index] = the value 0...1 of samples[index]
  static func writeValues(
    of samples: UnsafeBufferPointer<Self>, into out: UnsafeMutableBufferPointer<Float>)

  /// out[height, width, channels] = the picture in a file; see `ImageFormat.render`.
  static func render(
    _ path: RawPath, to format: ImageFormat, into out: UnsafeMutableBufferPointer<Self>
  ) throws -> Bool
}

extension UInt8: PixelSample {}
extension UInt16: PixelSample {}

extension PixelSample {
  package static func writeValues(
    of samples: UnsafeBufferPointer<Self>, into out: UnsafeMutableBufferPointer<Float>
  ) {
    for index in out.indices { out[index] = samples[index].value }
  }

  package static func render(
    _ path: RawPath, to format: ImageFormat, into out: UnsafeMutableBufferPointer<Self>
  ) throws -> Bool {
    try format.render(path) { out[$0] = Self(rounding: $1) }
  }
}

extension PixelSample {
  /// A value 0...1, rounded; 0 for what is no number.
  @inline(__always)
  init(rounding value: Float) {
    self = value > 0 ? Self((Swift.min(value, 1) * Float(Self.max)).rounded()) : 0
  }

  /// The value 0...1.
  @inline(__always)
  var value: Float { Float(self) / Float(Self.max) }
}
