import Foundation
import Tensor

extension ShapeScene {
  /// Writes the image, of shape [size, size, 3] and with values 0...1.
  func render(into image: UnsafeMutableBufferPointer<Float>, size: Int) {
    let pixel = 1 / Float(size)
    let turn = SIMD2(cosf(angle), sinf(angle)) / radius
    var grain = Grain(noiseStream)
    for row in 0..<size {
      for column in 0..<size {
        let place = SIMD2(Float(column) + 0.5, Float(row) + 0.5) * pixel
        let offset = place - center
        let turned = SIMD2(
          turn.x * offset.x + turn.y * offset.y, turn.x * offset.y - turn.y * offset.x)
        // How much of the pixel the shape takes: all where the edge is half a pixel away.
        var coverage = part(outline.signedDistance(turned) * radius, of: pixel)
        for cover in covers {
          let gap = place - SIMD2(cover.x, cover.y)
          coverage *= 1 - part((gap * gap).sum().squareRoot() - cover.z, of: pixel)
        }
        let behind = background.color(at: place)
        var color = behind + (foreground.color(at: place) - behind) * coverage
        color += grain.next() * noise
        color.clamp(lowerBound: .zero, upperBound: .one)
        let start = (row * size + column) * 3
        for channel in 0..<3 { image[start + channel] = color[channel] }
      }
    }
  }

  /// The part of a pixel that is inside an edge at a signed distance from its centre.
  private func part(_ distance: Float, of pixel: Float) -> Float {
    max(0, min(1, 0.5 - distance / pixel))
  }
}

extension ShapeScene.Paint {
  /// The colour at a place in 0...1 by 0...1.
  func color(at place: SIMD2<Float>) -> SIMD3<Float> {
    let across = ((place - 0.5) * direction).sum() / 1.42 + 0.5
    let wave = waveHeight * sinf((place * waveVector).sum())
    return start + (end - start) * across + wave
  }
}

/// Noise close to normal, of variance 1 in each channel.
struct Grain {
  private var stream: RandomStream

  init(_ stream: RandomStream) { self.stream = stream }

  mutating func next() -> SIMD3<Float> { SIMD3(normal(), normal(), normal()) }

  /// The sum of four evenly drawn 16-bit numbers, scaled; no further than 3.5 from 0.
  private mutating func normal() -> Float {
    let bits = stream.next()
    let low = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF)
    let sum = low + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return (Float(sum) * 0x1p-16 - 2) * 1.732_050_8
  }
}
