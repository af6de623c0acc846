import Foundation
import Tensor

/// One generated image as it was drawn by lot, before it has a resolution.
///
/// Lengths are fractions of the image's side, so the same scene can be rendered at any size.
struct ShapeScene: Sendable {
  let outline: Outline
  let center: SIMD2<Float>
  let radius: Float
  let angle: Float
  let foreground: Paint
  let background: Paint
  /// Discs of the background's colours over the image, as (x, y, radius).
  let covers: [SIMD3<Float>]
  let noise: Float
  let noiseStream: RandomStream

  /// A colour that changes evenly across the image, with waves over it.
  struct Paint: Sendable {
    let start: SIMD3<Float>
    let end: SIMD3<Float>
    let direction: SIMD2<Float>
    /// Radians per side of the image.
    let waveVector: SIMD2<Float>
    let waveHeight: Float
  }
}

extension ShapeScene {
  /// Draws a scene with `outline` in it, the rest within the limits of `difficulty`.
  init(_ outline: Outline, _ difficulty: Shapes.Difficulty, using stream: inout RandomStream) {
    let range = difficulty.ranges
    self.outline = outline
    radius = stream.uniform(in: range.radius)
    let margin = radius * (1 - range.overhang)
    center = [stream.uniform(in: margin...(1 - margin)), stream.uniform(in: margin...(1 - margin))]
    angle = stream.uniform(in: -range.angle...range.angle)
    let colors = Colors(
      contrast: range.contrast, isShapeLighter: range.isShapeLighter, using: &stream)
    foreground = Paint(
      colors.foreground.0, colors.foreground.1, change: range.change, waves: range.waves,
      using: &stream)
    background = Paint(
      colors.background.0, colors.background.1, change: range.change, waves: range.waves,
      using: &stream)
    let coverCount = range.covers == 0 ? 0 : stream.integer(in: 0..<(range.covers + 1))
    covers = (0..<coverCount).map { _ in
      [
        stream.uniform(in: 0...1), stream.uniform(in: 0...1),
        stream.uniform(in: Float(0.04)...0.1),
      ]
    }
    noise = stream.uniform(in: range.noise)
    noiseStream = stream.split()
  }
}

extension ShapeScene.Paint {
  init(
    _ start: SIMD3<Float>, _ end: SIMD3<Float>, change: Float, waves: ClosedRange<Float>,
    using stream: inout RandomStream
  ) {
    let angle = stream.uniform(in: -Float.pi ... .pi)
    let waveAngle = stream.uniform(in: -Float.pi ... .pi)
    let frequency = stream.uniform(in: Float(6)...30)
    self.start = start
    self.end = start + change * (end - start)
    direction = [cosf(angle), sinf(angle)]
    waveVector = frequency * [cosf(waveAngle), sinf(waveAngle)]
    waveHeight = stream.uniform(in: waves)
  }
}

// MARK: - What is left to chance

extension Shapes.Difficulty {
  /// The limits that a scene is drawn within.
  struct Ranges {
    let radius: ClosedRange<Float>
    /// The radius where several shapes share an image.
    let radiusOfSeveral: ClosedRange<Float>
    /// How far beyond the image the shape may reach, as a fraction of its radius.
    let overhang: Float
    /// Radians to either side.
    let angle: Float
    /// The least difference in brightness between the shape and any of the background.
    let contrast: Float
    /// Whether the shape is always the lighter; either is if not.
    let isShapeLighter: Bool
    /// How far a colour changes across the image: 1 is all the way to an independent one.
    let change: Float
    let waves: ClosedRange<Float>
    let noise: ClosedRange<Float>
    /// The largest number of discs over the image.
    let covers: Int
  }

  var ranges: Ranges {
    switch self {
    case .moderate:
      Ranges(
        radius: 0.22...0.3, radiusOfSeveral: 0.15...0.24, overhang: 0, angle: .pi / 12,
        contrast: 0.3, isShapeLighter: true, change: 0, waves: 0...0, noise: 0.02...0.02, covers: 0)
    case .hard:
      Ranges(
        radius: 0.18...0.4, radiusOfSeveral: 0.135...0.3, overhang: 0.2, angle: .pi, contrast: 0.14,
        isShapeLighter: false, change: 1, waves: 0...0.12, noise: 0.02...0.1, covers: 3)
    }
  }
}
