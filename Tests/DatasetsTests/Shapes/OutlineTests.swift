import Foundation
import XCTest

@testable import Datasets

final class OutlineTests: XCTestCase {
  /// Points on a grid over the square from -1.5 to 1.5.
  private let grid: [SIMD2<Float>] = (0..<3_600).map { point in
    let place = SIMD2(Float(point % 60), Float(point / 60))
    return place / 20 - 1.475
  }

  func testShapesLieInTheUnitCircleAndFillAGoodPartOfIt() {
    for outline in Outline.allCases {
      let inside = grid.filter { outline.signedDistance($0) < 0 }
      let area = Float(inside.count) / 400
      XCTAssertTrue(
        inside.allSatisfy { ($0 * $0).sum() <= 1.02 }, "\(outline) leaves the unit circle")
      XCTAssertGreaterThan(area, 0.8, "\(outline)")
      XCTAssertLessThan(area, 2.6, "\(outline)")
    }
  }

  /// Moving by a little changes a distance by as much at most, and by as much in some direction.
  func testDistancesGrowAtUnitRateNearTheEdge() {
    let step: Float = 1e-3
    for outline in Outline.allCases {
      var exact = 0
      let near = grid.filter { abs(outline.signedDistance($0)) < 0.06 }
      for point in near {
        let alongX =
          outline.signedDistance(point + [step, 0]) - outline.signedDistance(point - [step, 0])
        let alongY =
          outline.signedDistance(point + [0, step]) - outline.signedDistance(point - [0, step])
        let rate = (alongX * alongX + alongY * alongY).squareRoot() / (2 * step)
        XCTAssertLessThan(rate, 1.01, "\(outline) at \(point)")
        if rate > 0.99 { exact += 1 }
      }
      XCTAssertGreaterThan(Float(exact), 0.9 * Float(near.count), "\(outline)")
    }
  }

  func testTheAreasThatHaveAFormulaAreRight() {
    let areas: [(Outline, Float)] = [
      (.circle, .pi * 0.81), (.square, 1.96), (.ring, .pi * (0.96 * 0.96 - 0.52 * 0.52)),
      (.diamond, 1.12), (.triangle, 1.299), (.cross, 1.9 * 0.6 * 2 - 0.36),
    ]
    for (outline, area) in areas {
      let inside = grid.filter { outline.signedDistance($0) < 0 }
      XCTAssertEqual(Float(inside.count) / 400, area, accuracy: 0.04, "\(outline)")
    }
  }
}
