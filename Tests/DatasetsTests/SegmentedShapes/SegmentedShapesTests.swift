import Tensor
import XCTest

@testable import Datasets

final class SegmentedShapesTests: XCTestCase {
  func testAnImageAndItsLabelsAreAFunctionOfSeedAndIndexAlone() {
    let threadCount = Threads.count
    defer { Threads.count = threadCount }
    let data = SegmentedShapes(count: 40, size: 32, seed: 3)
    let all = data.images(in: 0..<40).scalars
    let labels = data.labelMaps(at: Array(0..<40))
    let (size, pixels, order) = (all.count / 40, 32 * 32, [17, 3, 39, 17])
    for threads in [1, 2, 3] {
      Threads.count = threads
      let other = SegmentedShapes(count: 64, size: 32, seed: 3)
      XCTAssertEqual(
        other.images(at: order).scalars, order.flatMap { all[($0 * size)..<(($0 + 1) * size)] })
      XCTAssertEqual(
        other.labelMaps(at: order), order.flatMap { labels[($0 * pixels)..<(($0 + 1) * pixels)] })
    }
    let seeded = SegmentedShapes(count: 40, size: 32, seed: 4)
    XCTAssertNotEqual(seeded.labelMaps(at: [0]), data.labelMaps(at: [0]))
    XCTAssertNotEqual(seeded.images(at: [0]).scalars, data.images(at: [0]).scalars)
  }

  func testShapesRangesAndNames() {
    for (size, difficulty) in [(64, Shapes.Difficulty.moderate), (17, .hard)] {
      let data = SegmentedShapes(count: 30, size: size, shapeKinds: 4, difficulty: difficulty)
      let images = data.images(in: 0..<30)
      XCTAssertEqual(images.shape, [30, size, size, 3])
      XCTAssertTrue(images.scalars.allSatisfy { $0 >= 0 && $0 <= 1 })
      let labels = data.labelMaps(at: Array(0..<30))
      XCTAssertEqual(labels.count, 30 * size * size)
      XCTAssertEqual(Set(labels), [0, 1, 2, 3, 4])
      XCTAssertEqual(
        data.pixelClassNames, ["background", "circle", "square", "triangle", "diamond"])
    }
    XCTAssertEqual(SegmentedShapes(count: 1).pixelClassNames.count, 11)
    XCTAssertTrue(SegmentedShapes(count: 1).labels.isEmpty)
  }

  func testScenesHaveAsManyShapesAsAskedForAndRoomBetween() {
    let data = SegmentedShapes(count: 300, shapeCount: 1...3)
    var numbers = [Int](repeating: 0, count: 4)
    for scene in (0..<300).map(data.scene) {
      numbers[scene.shapes.count] += 1
      for (index, shape) in scene.shapes.enumerated() {
        for other in scene.shapes.dropFirst(index + 1) {
          let gap = shape.center - other.center
          let distance = (gap * gap).sum().squareRoot()
          XCTAssertGreaterThan(distance, 0.85 * (shape.radius + other.radius))
        }
      }
    }
    XCTAssertEqual(numbers[0], 0)
    XCTAssertTrue(numbers.dropFirst().allSatisfy { $0 > 50 }, "\(numbers)")
    let single = SegmentedShapes(count: 50, shapeCount: 1...1)
    XCTAssertTrue((0..<50).allSatisfy { single.scene($0).shapes.count == 1 })
  }

  /// Inside a label's pixels the image has the shape's paint, and the background's elsewhere.
  func testLabelsAreWhereThePaintIs() {
    let data = SegmentedShapes(count: 20, size: 48)
    for index in 0..<20 {
      let scene = data.scene(index)
      let plain = SegmentedScene(
        shapes: scene.shapes, background: scene.background, noise: 0,
        noiseStream: scene.noiseStream)
      let image = Tensor(shape: [48, 48, 3]) { plain.render(into: $0, size: 48) }.scalars
      let labels = data.labelMaps(at: [index])
      var clear = 0
      for pixel in 0..<48 * 48 {
        let place = SIMD2(Float(pixel % 48) + 0.5, Float(pixel / 48) + 0.5) / 48
        let distances = scene.shapes.map { $0.signedDistance(place) }
        guard distances.allSatisfy({ abs($0) > 0.02 }) else { continue }
        clear += 1
        let inside = Array(zip(scene.shapes, distances)).last { $0.1 < 0 }?.0
        let paint = inside?.paint ?? scene.background
        let name = inside?.outline.rawValue ?? "background"
        XCTAssertEqual(data.pixelClassNames[labels[pixel]], name)
        for channel in 0..<3 {
          XCTAssertEqual(
            image[pixel * 3 + channel], max(0, min(1, paint.color(at: place)[channel])),
            accuracy: 1e-5)
        }
      }
      XCTAssertGreaterThan(clear, 48 * 24)
    }
  }

  func testABackgroundOfMostPixelsAndAllShapesAlike() {
    let data = SegmentedShapes(count: 1_000, size: 24)
    var counts = [Int](repeating: 0, count: 11)
    var seen = counts
    for index in 0..<1_000 {
      let labels = data.labelMaps(at: [index])
      for label in labels { counts[label] += 1 }
      for label in Set(labels) { seen[label] += 1 }
    }
    XCTAssertEqual(Float(counts[0]) / Float(576_000), 0.88, accuracy: 0.06)
    for number in seen.dropFirst() { XCTAssertEqual(Float(number), 180, accuracy: 50) }
  }
}
