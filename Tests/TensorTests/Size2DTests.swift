import Tensor
import XCTest

final class Size2DTests: XCTestCase {
  func testLiteralsAndDescription() {
    let (square, oblong): (Size2D, Size2D) = (32, [64, 96])
    XCTAssertEqual(square, Size2D(height: 32, width: 32))
    XCTAssertEqual(square, Size2D(32))
    XCTAssertEqual(oblong, Size2D(height: 64, width: 96))
    XCTAssertEqual("\(oblong)", "64x96")
  }
}
