import Foundation
import Tensor

/// One generated image of several shapes as it was drawn by lot, before it has a resolution.
///
/// Lengths are fractions of the image's side, so the same scene can be rendered at any size.
struct SegmentedScene: Sendable {
  /// One shape where it stands.
  struct Placement: Sendable {
    let outline: Outline
    let center: SIMD2<Float>
    let radius: Float
    let angle: Float
    let paint: ShapeScene.Paint
  }

  /// The shapes, the nearest to the viewer last.
  let shapes: [Placement]
  let background: ShapeScene.Paint
  let noise: Float
  let noiseStream: RandomStream
}

extension SegmentedScene {
  /// Draws a scene of as many shapes as `shapeCount` allows, of which those that find no room are
  /// left out; the first finds it always.
  init(
    classCount: Int, shapeCount: ClosedRange<Int>, _ difficulty: Shapes.Difficulty,
    using stream: inout RandomStream
  ) {
    let range = difficulty.ranges
    let brightness = ShapeScene.Colors.brightness(contrast: range.contrast, using: &stream)
    func paint(_ brightness: ClosedRange<Float>) -> ShapeScene.Paint {
      let colors = ShapeScene.Colors.pair(brightness: brightness, using: &stream)
      return ShapeScene.Paint(
        colors.0, colors.1, change: range.change, waves: range.waves, using: &stream)
    }
    background = paint(brightness.outside)
    var shapes: [Placement] = []
    for _ in 0..<stream.integer(in: shapeCount.lowerBound..<shapeCount.upperBound + 1) {
      let outline = Outline.allCases[stream.integer(in: 0..<classCount)]
      // Smaller than a single shape, so that several have room.
      let radius = stream.uniform(in: range.radiusOfSeveral)
      let angle = stream.uniform(in: -range.angle...range.angle)
      let paint = paint(brightness.inside)
      let margin = radius * (1 - range.overhang)
      for _ in 0..<20 {
        let center: SIMD2<Float> = [
          stream.uniform(in: margin...(1 - margin)), stream.uniform(in: margin...(1 - margin)),
        ]
        let isClear = shapes.allSatisfy { other in
          let gap = center - other.center
          return (gap * gap).sum().squareRoot() > 0.85 * (radius + other.radius)
        }
        guard isClear else { continue }
        shapes.append(
          Placement(outline: outline, center: center, radius: radius, angle: angle, paint: paint))
        break
      }
    }
    self.shapes = shapes
    noise = stream.uniform(in: range.noise)
    noiseStream = stream.split()
  }

  /// Writes the image, of shape [size, size, 3] and with values 0...1.
  func render(into image: UnsafeMutableBufferPointer<Float>, size: Int) {
    var grain = Grain(noiseStream)
    for pixel in 0..<size * size {
      let place = Self.place(of: pixel, size: size)
      var color = background.color(at: place)
      for shape in shapes {
        // How much of the pixel the shape takes: all where the edge is half a pixel away.
        let coverage = max(0, min(1, 0.5 - shape.signedDistance(place) * Float(size)))
        color += (shape.paint.color(at: place) - color) * coverage
      }
      color += grain.next() * noise
      color.clamp(lowerBound: .zero, upperBound: .one)
      for channel in 0..<3 { image[pixel * 3 + channel] = color[channel] }
    }
  }

  /// The class of each pixel's centre, row by row: 0 for the background, 1 for the first outline.
  func labels(size: Int) -> [Int] {
    (0..<size * size).map { pixel in
      let place = Self.place(of: pixel, size: size)
      let nearest = shapes.last { $0.signedDistance(place) < 0 }
      return nearest.flatMap { Outline.allCases.firstIndex(of: $0.outline) }.map { $0 + 1 } ?? 0
    }
  }

  private static func place(of pixel: Int, size: Int) -> SIMD2<Float> {
    SIMD2(Float(pixel % size) + 0.5, Float(pixel / size) + 0.5) / Float(size)
  }
}

extension SegmentedScene.Placement {
  /// The distance from a place to the edge of the shape, negative inside.
  func signedDistance(_ place: SIMD2<Float>) -> Float {
    let (offset, turn) = ((place - center) / radius, SIMD2(cosf(angle), sinf(angle)))
    // Outlines stay within radius 1: further away no edge is near.
    let distance = (offset * offset).sum().squareRoot()
    guard distance < 1.5 else { return (distance - 1) * radius }
    let turned = SIMD2(turn.x * offset.x + turn.y * offset.y, turn.x * offset.y - turn.y * offset.x)
    return outline.signedDistance(turned) * radius
  }
}
