import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class BYOLLossTests: XCTestCase {
  private let axes = Tensor([1, 0, 0, 2], shape: [2, 2])

  /// The mean squared distance of unit vectors, and its gradient by differences.
  func testMatchesTheEquation() throws {
    for (count, size) in [(1, 2), (5, 7), (16, 33)] {
      let predictions = Parameter(3 * formula("predictions\(count)", [count, size]))
      let targets = formula("targets\(count)", [count, size])
      func distance(_ rows: ContrastTwin.Rows) -> Double {
        let squares = zip(rows, targets.rows).map { row, target in
          let difference = zip(ContrastTwin.unit(row), ContrastTwin.unit(target)).map(-)
          return ContrastTwin.dot(difference, difference)
        }
        return squares.reduce(0, +) / Double(count)
      }
      let rows = predictions.value.rows
      let loss = byolLoss(predictions.value, onto: targets)
      XCTAssertEqual(Double(loss.item), distance(rows), accuracy: 1e-5)
      loss.backward()
      let gradient = try XCTUnwrap(predictions.gradient).scalars
      XCTAssertLessThan(
        relativeError(gradient, ContrastTwin.gradient(at: rows, of: distance)), 1e-4)
    }
  }

  func testClosedForms() {
    XCTAssertEqual(byolLoss(axes, onto: axes * 7).item, 0, accuracy: 1e-6)
    XCTAssertEqual(byolLoss(axes, onto: -axes).item, 4, accuracy: 1e-6)
    XCTAssertEqual(byolLoss(axes, onto: axes.flipped([1])).item, 2, accuracy: 1e-6)
    let half = Tensor([1, Float(3).squareRoot()], shape: [1, 2])
    XCTAssertEqual(byolLoss(half, onto: axes[0..<1]).item, 1, accuracy: 1e-6)
  }

  /// Of 2 - 2 · cos at p = (1, 0), z = (cos a, sin a): (0, -2 sin a).
  func testGradientReachesPredictionsAlone() {
    let (p, z) = (
      Parameter(Tensor([1, 0], shape: [1, 2])), Parameter(Tensor([3, 4], shape: [1, 2]))
    )
    byolLoss(p.value, onto: z.value).backward()
    XCTAssertNil(z.gradient)
    let gradient = p.gradient?.scalars ?? []
    XCTAssertEqual(gradient[0], 0, accuracy: 1e-6)
    XCTAssertEqual(gradient[1], -1.6, accuracy: 1e-6)
  }

  func testZeroVectorsAreOrthogonal() {
    XCTAssertEqual(byolLoss(.zeros([2, 2]), onto: axes).item, 2)
  }
}
