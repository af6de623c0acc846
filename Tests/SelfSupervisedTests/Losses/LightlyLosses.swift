import Foundation
import Tensor
import TestSupport
import XCTest

/// Losses and gradients that lightly gave: `Fixtures/contrast_and_redundancy.py`.
struct LightlyLosses {
  struct Case: Decodable {
    let loss: Double
    let first: [Float]
    let second: [Float]
  }

  let cases: [String: Case]

  init() throws {
    let url = URL(fileURLWithPath: fixture("contrast-and-redundancy-losses.json"))
    cases = try JSONDecoder().decode([String: Case].self, from: Data(contentsOf: url))
  }

  /// Checks a loss of two tensors on every case whose name begins with `name`.
  func check(
    _ name: String, at shapes: [(Int, Int)], _ loss: (Tensor, Tensor) -> Tensor
  ) throws {
    for (count, size) in shapes {
      let expected = try XCTUnwrap(cases["\(name)/\(count)x\(size)"])
      let (a, b) = (
        Parameter(formula("\(name)/a", [count, size])),
        Parameter(formula("\(name)/b", [count, size]))
      )
      let value = loss(a.value, b.value)
      XCTAssertEqual(Double(value.item), expected.loss, accuracy: 1e-5 * expected.loss)
      value.backward()
      for (parameter, gradient) in [(a, expected.first), (b, expected.second)] {
        XCTAssertLessThan(relativeError(parameter.gradient?.scalars ?? [], gradient), 1e-4)
      }
    }
  }
}

/// Numbers in -1 ..< 1 that depend on the name alone.
func formula(_ name: String, _ shape: TensorShape) -> Tensor {
  Tensor(Formula.centred(name, shape.elementCount), shape: shape)
}

/// The rows of a matrix in double precision.
func doubles(_ x: Tensor) -> [[Double]] {
  (0..<x.shape[0]).map { row in x[row].scalars.map(Double.init) }
}
