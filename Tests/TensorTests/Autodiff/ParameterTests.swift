import XCTest

@testable import Tensor

final class ParameterTests: XCTestCase {
  func testASharedValueIsCopiedBeforeAnUpdate() {
    let parameter = Parameter(Tensor([1, 2]))
    let held = parameter.value
    parameter.update { $0[0] = 9 }
    XCTAssertEqual(held.scalars, [1, 2])
    XCTAssertEqual(parameter.value.scalars, [9, 2])
    XCTAssertNotEqual(held.pointer, parameter.value.pointer)
  }

  func testAnUnsharedValueIsUpdatedInPlace() {
    let parameter = Parameter(Tensor([1, 2]))
    let address = parameter.value.pointer
    parameter.update { $0[1] = 7 }
    XCTAssertEqual(parameter.value.pointer, address)
    XCTAssertEqual(parameter.value.scalars, [1, 7])
  }

  func testAGraphKeepsTheValueItWasRecordedWith() {
    let parameter = Parameter(Tensor([1, 2]))
    let loss = square(parameter.value).sum()
    parameter.update { $0[0] = 100 }
    loss.backward()
    XCTAssertEqual(parameter.gradient?.scalars, [2, 4])
    let address = parameter.value.pointer
    parameter.update { $0[0] = 3 }
    XCTAssertEqual(parameter.value.pointer, address, "the graph is freed and holds nothing")
  }

  func testASliceIsCopiedBeforeAnUpdate() {
    let whole = Tensor([1, 2, 3, 4])
    let parameter = Parameter(whole[2..<4])
    parameter.update { $0[0] = 9 }
    XCTAssertEqual(whole.scalars, [1, 2, 3, 4])
    XCTAssertEqual(parameter.value.scalars, [9, 4])
  }

  func testANewValueIsTrackedAsTheParameter() {
    let parameter = Parameter(Tensor([1, 2]))
    parameter.value = parameter.value * 2
    XCTAssertEqual(parameter.value.scalars, [2, 4])
    square(parameter.value).sum().backward()
    XCTAssertEqual(parameter.gradient?.scalars, [4, 8])
  }
}
