import Foundation
import Tensor

extension ShapeScene {
  /// Two colours for the shape and two for what is behind it, all hues alike.
  struct Colors: Sendable {
    let foreground: (SIMD3<Float>, SIMD3<Float>)
    let background: (SIMD3<Float>, SIMD3<Float>)

    /// Colours in which the brightness of the shape differs from that of any background by at least
    /// `contrast`; either may be the brighter, or the shape alone.
    init(contrast: Float, isShapeLighter: Bool, using stream: inout RandomStream) {
      let (inside, outside) = Self.brightness(
        contrast: contrast, isShapeLighter: isShapeLighter, using: &stream)
      foreground = Self.pair(brightness: inside, using: &stream)
      background = Self.pair(brightness: outside, using: &stream)
    }

    /// Brightness for shapes and for a background, at least `contrast` apart.
    static func brightness(
      contrast: Float, isShapeLighter: Bool = false, using stream: inout RandomStream
    ) -> (inside: ClosedRange<Float>, outside: ClosedRange<Float>) {
      let darkest: Float = 0.1
      let brightest: Float = 0.9
      // The shape's brightness leaves room for a background on at least one side.
      let split = stream.uniform(in: (darkest + contrast)...(brightest - contrast))
      let below = darkest...(split - contrast / 2)
      let above = (split + contrast / 2)...brightest
      return stream.bernoulli(0.5) && !isShapeLighter ? (below, above) : (above, below)
    }

    /// Two colours of independent hues with brightness in a range.
    static func pair(
      brightness: ClosedRange<Float>, using stream: inout RandomStream
    ) -> (SIMD3<Float>, SIMD3<Float>) {
      (
        color(brightness: stream.uniform(in: brightness), using: &stream),
        color(brightness: stream.uniform(in: brightness), using: &stream)
      )
    }

    /// A colour of any hue and a given brightness.
    private static func color(
      brightness: Float, using stream: inout RandomStream
    ) -> SIMD3<Float> {
      let hue = pureHue(stream.uniform() * 6)
      let saturation = stream.uniform(in: Float(0.2)...1)
      let grey = SIMD3<Float>(repeating: brightness)
      // Away from grey at equal brightness, as far as saturation says and the cube allows.
      let away = hue - SIMD3(repeating: luminance(hue))
      var reach = Float.infinity
      for channel in 0..<3 where abs(away[channel]) > 1e-6 {
        let wall: Float = away[channel] > 0 ? 1 : 0
        reach = min(reach, (wall - brightness) / away[channel])
      }
      return grey + away * (reach * saturation)
    }

    /// The saturated colour at `angle` in 0..<6 around the colour wheel: red at 0, green at 2.
    private static func pureHue(_ angle: Float) -> SIMD3<Float> {
      let ramp = SIMD3<Float>(abs(angle - 3) - 1, 2 - abs(angle - 2), 2 - abs(angle - 4))
      return ramp.clamped(lowerBound: .zero, upperBound: .one)
    }

    /// How bright a colour looks, by the weights of Rec. 601.
    static func luminance(_ color: SIMD3<Float>) -> Float {
      (color * SIMD3(0.299, 0.587, 0.114)).sum()
    }
  }
}
