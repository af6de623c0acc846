import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class DINOLossTests: XCTestCase {
  private struct Expected: Decodable {
    let loss: Double
    let gradient: [Float]
    let center: [Float]
  }

  /// `Fixtures/dino.py`.
  func testEqualsLightly() throws {
    let cases = try decodedFixture([String: Expected].self, "dino-losses.json")
    XCTAssertEqual(cases.count, 3)
    for (name, expected) in cases {
      let sizes = name.split(separator: "x").compactMap { Int($0) }
      let (count, width, locals) = (sizes[0], sizes[1], sizes[2])
      let rows =
        0.5
        * Tensor(
          Formula.centred("dino/\(name)", (4 + locals) * count * width),
          shape: [4 + locals, count, width])
      let targets = ViewPair(first: rows[0], second: rows[1])
      let outputs = Parameter(rows[2..<4 + locals].detached)
      let (loss, entropy) = dinoLoss(
        ViewPair(all: (0..<2 + locals).map { outputs.value[$0] }), targets: targets)
      XCTAssertEqual(Double(loss.item), expected.loss, accuracy: 1e-5 * expected.loss, name)
      loss.backward()
      let gradient = try XCTUnwrap(outputs.gradient).scalars
      XCTAssertLessThan(relativeError(gradient, expected.gradient), 1e-5, name)
      XCTAssertEqual(entropy.item, Self.entropy(of: [rows[0], rows[1]], 0.04), accuracy: 1e-5)
      let center = OutputCenter(width)
      center.update(toward: (rows[0].mean(axes: [0]) + rows[1].mean(axes: [0])) / 2)
      XCTAssertLessThan(relativeError(center.mean.value.scalars, expected.center), 1e-5, name)
    }
  }

  /// The mean of -Σ q log q over rows, one number after the other, in double precision.
  private static func entropy(of targets: [Tensor], _ temperature: Double) -> Float {
    let rows = targets.flatMap { target in (0..<target.shape[0]).map { target[$0].scalars } }
    let sum = rows.reduce(0.0) { sum, row in
      let exponentials = row.map { Foundation.exp(Double($0) / temperature) }
      let total = exponentials.reduce(0, +)
      return exponentials.reduce(sum) { $0 - $1 / total * Foundation.log($1 / total) }
    }
    return Float(sum / Double(rows.count))
  }

  func testNoGradientReachesTargets() {
    let rows = Parameter(Tensor(Formula.centred("targets", 30), shape: [5, 6]))
    let outputs = Parameter(rows.value.detached)
    dinoLoss(
      ViewPair(first: outputs.value, second: outputs.value),
      targets: ViewPair(first: rows.value, second: rows.value)
    ).loss.backward()
    XCTAssertNil(rows.gradient)
    XCTAssertNotNil(outputs.gradient)
  }

  func testUniformOutputsHaveTheLogarithmOfTheirWidth() {
    let zeros = ViewPair(first: .zeros([3, 50]), second: .zeros([3, 50]))
    let (loss, entropy) = dinoLoss(zeros, targets: zeros)
    XCTAssertEqual(loss.item, Foundation.log(50), accuracy: 1e-5)
    XCTAssertEqual(entropy.item, Foundation.log(50), accuracy: 1e-5)
  }
}
