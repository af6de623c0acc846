import Foundation
import Tensor
import XCTest

@testable import Datasets

final class ShapeSceneTests: XCTestCase {
  /// A white shape on black, with nothing else in it.
  private func plainScene(_ outline: Outline, angle: Float) -> ShapeScene {
    func flat(_ value: Float) -> ShapeScene.Paint {
      ShapeScene.Paint(
        start: SIMD3(repeating: value), end: SIMD3(repeating: value), direction: [1, 0],
        waveVector: .zero, waveHeight: 0)
    }
    return ShapeScene(
      outline: outline, center: [0.45, 0.55], radius: 0.37, angle: angle, foreground: flat(1),
      background: flat(0), covers: [], noise: 0, noiseStream: RandomStream(seed: 0))
  }

  private func render(_ scene: ShapeScene, size: Int) -> [Float] {
    Tensor(shape: [size, size, 3]) { scene.render(into: $0, size: size) }.scalars
  }

  /// The part of each pixel inside the shape, by 8 x 8 samples and the rotation written out.
  private func sampledCoverage(_ scene: ShapeScene, size: Int) -> [Float] {
    (0..<(size * size)).map { pixel in
      let inside = (0..<64).count { sample in
        let x = (Float(pixel % size) + (Float(sample % 8) + 0.5) / 8) / Float(size) - 0.45
        let y = (Float(pixel / size) + (Float(sample / 8) + 0.5) / 8) / Float(size) - 0.55
        let u = (cosf(scene.angle) * x + sinf(scene.angle) * y) / 0.37
        let v = (cosf(scene.angle) * y - sinf(scene.angle) * x) / 0.37
        return scene.outline.signedDistance([u, v]) < 0
      }
      return Float(inside) / 64
    }
  }

  func testEdgesAreAsSupersamplingWouldMakeThem() {
    for outline in Outline.allCases {
      for angle: Float in [0, 0.5] {
        let scene = plainScene(outline, angle: angle)
        let image = render(scene, size: 32)
        let expected = sampledCoverage(scene, size: 32)
        let gaps = expected.indices.map { abs(image[$0 * 3] - expected[$0]) }
        XCTAssertLessThan(gaps.max() ?? 1, 0.4, "\(outline) at \(angle)")  // at sharp corners
        XCTAssertLessThan(gaps.reduce(0, +) / 1024, 0.006, "\(outline) at \(angle)")
      }
    }
  }

  func testASceneLooksTheSameAtAnyResolution() {
    let scene = plainScene(.heart, angle: 0.3)
    let means = [16, 32, 64].map { size in
      render(scene, size: size).reduce(0, +) / Float(size * size * 3)
    }
    XCTAssertEqual(means[0], means[2], accuracy: 0.004)
    XCTAssertEqual(means[1], means[2], accuracy: 0.002)
  }

  /// Either is the brighter of hard ones, the shape always of moderate ones.
  func testShapeAndBackgroundKeepTheirContrast() {
    for difficulty in Shapes.Difficulty.allCases {
      let (contrast, isShapeLighter) = (
        difficulty.ranges.contrast, difficulty.ranges.isShapeLighter
      )
      var brighter = 0
      for seed in 0..<500 {
        var stream = RandomStream(seed: UInt64(seed))
        let colors = ShapeScene.Colors(
          contrast: contrast, isShapeLighter: isShapeLighter, using: &stream)
        let inside = [colors.foreground.0, colors.foreground.1]
        let outside = [colors.background.0, colors.background.1]
        for color in inside + outside {
          XCTAssertTrue((0..<3).allSatisfy { color[$0] > -1e-5 && color[$0] < 1 + 1e-5 })
        }
        let gaps = inside.flatMap { a in
          outside.map { ShapeScene.Colors.luminance(a) - ShapeScene.Colors.luminance($0) }
        }
        XCTAssertTrue(gaps.allSatisfy { abs($0) > contrast - 1e-4 }, "\(gaps)")
        XCTAssertTrue(gaps.allSatisfy { $0 > 0 } || gaps.allSatisfy { $0 < 0 }, "\(gaps)")
        if gaps[0] > 0 { brighter += 1 }
      }
      XCTAssertEqual(
        Float(brighter) / 500, isShapeLighter ? 1 : 0.5, accuracy: isShapeLighter ? 0 : 0.07)
    }
  }

  func testScenesStayWithinTheLimitsOfTheirDifficulty() {
    for difficulty in Shapes.Difficulty.allCases {
      let ranges = difficulty.ranges
      let data = Shapes(count: 300, difficulty: difficulty)
      for scene in (0..<300).map(data.scene) {
        XCTAssertTrue(ranges.radius.contains(scene.radius))
        XCTAssertLessThanOrEqual(abs(scene.angle), ranges.angle)
        XCTAssertLessThanOrEqual(scene.covers.count, ranges.covers)
        let reach = scene.radius * (1 - ranges.overhang) - 1e-5
        XCTAssertTrue((reach...(1 - reach)).contains(scene.center.x))
        XCTAssertTrue((reach...(1 - reach)).contains(scene.center.y))
      }
    }
  }
}
