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

  /// Adam adds an epsilon of 1e-8 to them.
  func testVectorRootOfSubnormalNumbersIsNothingBesideEpsilon() {
    for x in [Float.leastNonzeroMagnitude, .leastNormalMagnitude / 500, .leastNormalMagnitude / 8] {
      XCTAssertTrue((0...1.1 * x.squareRoot()).contains(vectorRoot(x)), "of \(x)")
    }
  }

  func testVectorRootOfWhatIsNoNumberIsNone() { XCTAssertTrue(vectorRoot(.nan).isNaN) }
}
