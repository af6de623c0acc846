import Tensor
import XCTest

@testable import Nets

final class GradientClippingTests: XCTestCase {
  private func parameters(_ gradients: [[Float]?]) -> [Parameter] {
    gradients.map { numbers in
      let parameter = Parameter(.zeros([numbers?.count ?? 2]))
      parameter.gradient = numbers.map { Tensor($0, shape: [$0.count]) }
      return parameter
    }
  }

  /// torch 2.15: `clip_grad_norm_` of [3, 4] and [12] to 2 returns 13 and leaves 3 · 2 / 13, …
  func testNormOfAllTogether() {
    let parameters = parameters([[3, 4], nil, [12]])
    XCTAssertEqual(clipGradients(of: parameters, toNorm: 2), 13)
    let found = parameters.compactMap { $0.gradient?.scalars }.flatMap { $0 }
    for (found, expected) in zip(found, [0.461_538_5, 0.615_384_6, 1.846_153_8]) {
      XCTAssertEqual(found, Float(expected), accuracy: 1e-6)
    }
    XCTAssertNil(parameters[1].gradient)
  }

  func testSmallGradientsStay() {
    let parameters = parameters([[3, 4]])
    XCTAssertEqual(clipGradients(of: parameters, toNorm: 5), 5)
    XCTAssertEqual(parameters[0].gradient?.scalars, [3, 4])
  }

  func testWhatIsNotFiniteStays() {
    let parameters = parameters([[.infinity, 4]])
    XCTAssertEqual(clipGradients(of: parameters, toNorm: 5), .infinity)
    XCTAssertEqual(parameters[0].gradient?.scalars, [.infinity, 4])
  }
}
