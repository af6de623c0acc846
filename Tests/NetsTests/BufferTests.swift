import Tensor
import XCTest

@testable import Nets

final class BufferTests: XCTestCase {
  func testIsNeverTracked() {
    let parameter = Parameter(.ones([2]))
    let buffer = Buffer(parameter.value)
    XCTAssertFalse(buffer.value.isTracked)
    buffer.value = parameter.value * 2
    XCTAssertFalse(buffer.value.isTracked)
    XCTAssertEqual(buffer.value.scalars, [2, 2])
  }
}
