import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class LeJEPALossTests: XCTestCase {
  private struct Expected: Decodable {
    let loss: Double
    let gradient: [Float]
  }

  /// `Fixtures/lejepa_and_crops.py`.
  func testSigRegEqualsLightly() throws {
    let cases = try decodedFixture([String: Expected].self, "lejepa-losses.json")
    XCTAssertEqual(cases.count, 4)
    for (name, expected) in cases {
      let sizes = name.split(separator: "x").compactMap { Int($0) }
      let (count, size, slices) = (sizes[0], sizes[1], sizes[2])
      let z = Parameter(
        2 * Tensor(Formula.centred("sigreg/\(name)", count * size), shape: [count, size]))
      let directions = l2Normalized(
        Tensor(Formula.centred("slices/\(name)", size * slices), shape: [size, slices]), axis: 0)
      let loss = sigReg(z.value, along: directions)
      XCTAssertEqual(Double(loss.item), expected.loss, accuracy: 1e-5 * expected.loss, name)
      loss.backward()
      let gradient = try XCTUnwrap(z.gradient).scalars
      XCTAssertLessThan(relativeError(gradient, expected.gradient), 1e-5, name)
    }
  }

  /// The statistic as it is written, one number after the other, in double precision.
  private func statistic(_ x: [Double], knots: Int, largest: Double) -> Double {
    let step = largest / Double(knots - 1)
    return (0..<knots).reduce(0) { sum, knot in
      let t = Double(knot) * step
      let phi = Foundation.exp(-t * t / 2)
      let real = x.reduce(0) { $0 + Foundation.cos(t * $1) } / Double(x.count) - phi
      let imaginary = x.reduce(0) { $0 + Foundation.sin(t * $1) } / Double(x.count)
      let trapezoid = knot == 0 || knot == knots - 1 ? step : 2 * step
      return sum + trapezoid * phi * Double(x.count) * (real * real + imaginary * imaginary)
    }
  }

  func testStatisticOfOneColumnAtOtherKnots() {
    let x = [-2.5, -0.25, 0, 1, 7.5]
    for (knots, largest) in [(2, 1.0), (17, 3.0), (40, 5.0)] {
      let test = EppsPulley(knots: knots, largest: Float(largest))
      let found = test(Tensor(x.map { Float($0) }, shape: [5, 1])).item
      let expected = statistic(x, knots: knots, largest: largest)
      XCTAssertEqual(Double(found), expected, accuracy: 1e-5 * expected)
    }
  }

  /// Zeros are at distance n · Σ w (1 - φ)², whatever the directions are.
  func testCollapse() {
    let slices = RandomSlices(width: 6, count: 20, using: RandomStream(seed: 1)).directions
    let expected = statistic([Double](repeating: 0, count: 50), knots: 17, largest: 3)
    XCTAssertEqual(sigReg(.zeros([50, 6]), along: slices).item, Float(expected), accuracy: 1e-3)
    // ∫ (1 - φ)² φ over -3...3.
    XCTAssertEqual(expected / 50, 0.402, accuracy: 0.002)
  }

  func testNormalNumbersAreNear() {
    var stream = RandomStream(seed: 2)
    let slices = RandomSlices(width: 8, count: 256, using: stream.split()).directions
    let values = [64, 512].map { count in
      (0..<8).map { _ in sigReg(.normal([count, 8], using: &stream), along: slices).item }
        .reduce(0, +) / 8
    }
    // ∫ (1 - φ²) φ over -3...3 is 1.053: of n numbers, n · E (mean cos - φ)² + E (mean sin)² is 1 - φ².
    for value in values { XCTAssertEqual(value, 1.053, accuracy: 0.15) }
    XCTAssertGreaterThan(sigReg(3 * .normal([512, 8], using: &stream), along: slices).item, 50)
  }

  func testGradientsAtManyColumns() {
    for columns in [1, 15, 16, 17, 33] {
      let x = formula("columns", [7, columns])
      let test = EppsPulley(knots: 17, largest: 3)
      let leaf = Parameter(x)
      test(leaf.value).backward()
      let gradient = leaf.gradient?.scalars ?? []
      for place in [0, columns - 1, 3 * columns, 7 * columns - 1] {
        let shifted = [0.01, -0.01].map { shift -> Float in
          var values = x.scalars
          values[place] += Float(shift)
          return test(Tensor(values, shape: x.shape)).item
        }
        XCTAssertEqual(gradient[place], (shifted[0] - shifted[1]) / 0.02, accuracy: 2e-3)
      }
    }
  }

  func testInvarianceIsTheDistanceToTheMeanOfLargeViews() {
    let (a, b, c) = (formula("a", [3, 4]), formula("b", [3, 4]), formula("c", [3, 4]))
    let center = (a + b) / 2
    let expected = [a, b, c].map { square($0 - center).mean().item }.reduce(0, +) / 3
    XCTAssertEqual(viewInvariance(global: [a, b], local: [c]).item, expected, accuracy: 1e-6)
    XCTAssertEqual(viewInvariance(global: [a, a]).item, 0)
  }

  func testTheWeightOfEachTerm() {
    let pair = ViewPair(
      first: formula("a", [6, 4]), second: formula("b", [6, 4]), locals: [formula("c", [6, 4])])
    let slices = RandomSlices(width: 4, count: 10, using: RandomStream(seed: 3)).directions
    for weight in [0, 0.05, 1] as [Float] {
      let (loss, invariance, distance) = lejepaLoss(pair, along: slices, regularization: weight)
      XCTAssertEqual(
        loss.item, (1 - weight) * invariance.item + weight * distance.item, accuracy: 1e-5)
      let each = pair.all.map { sigReg($0, along: slices).item }
      XCTAssertEqual(distance.item, each.reduce(0, +) / 3, accuracy: 1e-5)
    }
  }
}
