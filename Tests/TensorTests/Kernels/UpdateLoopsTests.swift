import XCTest

@testable import Tensor

final class UpdateLoopsTests: XCTestCase {
  /// From the smallest normal number to where squares of gradients end.
  func testVectorRootIsTheRootToTheLastBits() {
    var x = Float.leastNormalMagnitude
    while x < 1e38 {
      let root = x.squareRoot()
      XCTAssertEqual(vectorRoot(x), root, accuracy: 2 * root.ulp, "of \(x)")
      x *= 1.0173
    }
  }

  func testVectorRootOfZeroIsZero() { XCTAssertEqual(vectorRoot(0), 0) }

  /// Squares of tiny gradients; Adam adds its epsilon to the root.
  func testVectorRootOfSubnormalNumbersIsSmall() {
    for x in [Float.leastNonzeroMagnitude, 1e-42, 1e-39] {
      XCTAssertEqual(vectorRoot(x), x.squareRoot(), accuracy: 1e-4 * x.squareRoot())
    }
  }

  func testVectorRootOfWhatIsNoNumberIsNone() { XCTAssertTrue(vectorRoot(.nan).isNaN) }
}
