import Tensor
import XCTest

@testable import SelfSupervised

final class LearnerTests: XCTestCase {
  func testSpreadOfRandomDirectionsIsOne() {
    var stream = RandomStream(seed: 1)
    let random = Tensor.normal([2_000, 64], using: &stream)
    XCTAssertEqual(normalizedSpread(random), 1, accuracy: 0.02)
    XCTAssertEqual(normalizedSpread(random * 100), 1, accuracy: 0.02)
  }

  func testSpreadOfOneDirectionIsZero() {
    let row = Tensor([1, -2, 3, 0.1], shape: [1, 4])
    XCTAssertEqual(normalizedSpread(concatenated([row, row, row])), 0, accuracy: 1e-6)
    XCTAssertEqual(normalizedSpread(concatenated([row, row * 5])), 0, accuracy: 1e-6)
    XCTAssertTrue(normalizedSpread(row).isNaN)
  }
}
