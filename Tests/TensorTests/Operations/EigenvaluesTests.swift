import Tensor
import XCTest

final class EigenvaluesTests: XCTestCase {
  /// 2 on the diagonal and -1 beside it: 2 - 2 cos(πk / (n + 1)).
  func testSecondDifference() {
    for size in [0, 1, 2, 5, 64, 150] {
      let matrix = Tensor(
        (0..<size * size).map { index in
          [0: 2, 1: -1][abs(index / size - index % size), default: 0]
        }, shape: [size, size])
      let values = symmetricEigenvalues(matrix)
      XCTAssertEqual(values.count, size)
      for (index, value) in values.enumerated() {
        let expected = 2 - 2 * cos(Double.pi * Double(index + 1) / Double(size + 1))
        XCTAssertEqual(Double(value), expected, accuracy: 2e-6)
      }
    }
  }

  /// Their sum is the trace, the sum of their squares that of all numbers.
  func testTraceAndSquares() {
    var stream = RandomStream(seed: 4)
    let a = Tensor.normal([40, 40], using: &stream)
    let matrix = a + a.transposed()
    let values = symmetricEigenvalues(matrix)
    let scalars = matrix.scalars
    let trace = (0..<40).reduce(Float(0)) { $0 + scalars[$1 * 41] }
    XCTAssertEqual(values.reduce(0, +), trace, accuracy: 1e-3)
    XCTAssertEqual(
      values.reduce(0) { $0 + $1 * $1 }, scalars.reduce(0) { $0 + $1 * $1 }, accuracy: 0.1)
    XCTAssertEqual(values, values.sorted())
  }
}
