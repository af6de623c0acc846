import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class PrincipalComponentsTests: XCTestCase {
  /// Four points at ±5 along (3, 4) / 5 and ±1 across, around (10, 20): by hand, the sums of squares
  /// are 50 and 2, over the three degrees of freedom of four points.
  func testFourPoints() {
    let points = Tensor([13, 24, 7, 16, 9.2, 20.6, 10.8, 19.4], shape: [4, 2])
    let found = principalComponents(points, count: 2)
    assertClose(found.variances, [50 / 3 as Float, 2 / 3 as Float], 2e-6)
    assertClose(found.shares, [50 / 52 as Float, 2 / 52 as Float], 1e-6)
    assertClose(found.directions.scalars, [0.6, 0.8, 0.8, -0.6], 1e-6)
    assertClose(found.scores.scalars, [5, 0, -5, 0, 0, -1, 0, 1], 1e-5)
  }

  private struct Expected: Decodable {
    let directions: [[Float]]
    let variances: [Float]
    let shares: [Float]
    let scores: [[Float]]
  }

  /// As Fixtures/principal_components.py has them of numpy's singular values.
  func testNumpysSingularValues() throws {
    let path = fixture("principal-components.json")
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    var numbers: [Float] = []
    for row in 0..<12 {
      for column in 0..<5 {
        let whole = (7 * row * row + 3 * row * column + 11 * column) % 17
        numbers.append(Float(whole) / Float(1 + column))
      }
    }
    let found = principalComponents(Tensor(numbers, shape: [12, 5]), count: 3)
    assertClose(found.variances, expected.variances, 1e-4)
    assertClose(found.shares, expected.shares, 1e-5)
    assertClose(found.directions.scalars, Array(expected.directions.joined()), 1e-5)
    assertClose(found.scores.scalars, Array(expected.scores.joined()), 1e-4)
  }

  /// Features of fewer directions than are asked for, and of none.
  func testDirectionsWithoutVariance() {
    let line = principalComponents(
      Tensor((0..<6).flatMap { [Float($0), 2 * Float($0), 0] }, shape: [6, 3]), count: 3)
    XCTAssertEqual(line.shares[0], 1, accuracy: 1e-6)
    assertClose(Array(line.variances.dropFirst()), [0, 0], 1e-5)
    let still = principalComponents(.ones([5, 4]), count: 2)
    XCTAssertEqual(still.variances, [0, 0])
    XCTAssertEqual(still.shares, [0, 0])
    XCTAssertEqual(still.scores.scalars, [Float](repeating: 0, count: 10))
    for found in [line, still] {
      let products = matmul(found.directions, found.directions.transposed()).scalars
      let size = found.directions.shape[0]
      for (index, product) in products.enumerated() {
        XCTAssertEqual(product, index % (size + 1) == 0 ? 1 : 0, accuracy: 1e-5)
      }
    }
  }

  /// Many rows of many numbers: the variances are the largest eigenvalues of the covariance.
  func testVariancesAreEigenvalues() {
    var stream = RandomStream(seed: 3)
    let scales = Tensor((0..<40).map { 10 / Float(1 + $0) })
    let features = Tensor.normal([300, 40], using: &stream) * scales
    let centered = features - features.mean(axes: [0])
    let covariance = matmul(centered.transposed(), centered) / 299
    let expected = Array(symmetricEigenvalues(covariance).reversed().prefix(5))
    assertClose(principalComponents(features, count: 5).variances, expected, 1e-3)
  }

  private func assertClose(
    _ found: [Float], _ expected: [Float], _ accuracy: Float, line: UInt = #line
  ) {
    XCTAssertEqual(found.count, expected.count, line: line)
    for (one, other) in zip(found, expected) {
      XCTAssertEqual(one, other, accuracy: accuracy, line: line)
    }
  }
}
