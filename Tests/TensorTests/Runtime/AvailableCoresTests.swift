import Foundation
import XCTest

@testable import Tensor

final class AvailableCoresTests: XCTestCase {
  func testTheCoresAProcessMayRunOnAreTheBitsOfItsMask() {
    func status(_ mask: String) -> String {
      "Name:\tx\nCpus_allowed:\t\(mask)\nCpus_allowed_list:\t0-7\n"
    }
    XCTAssertEqual(AvailableCores.runnable(status("3")), [0, 1])
    XCTAssertEqual(
      AvailableCores.runnable(status("00000001,ffffffff,00000010")), Set([4, 64] + (32..<64)))
    XCTAssertNil(AvailableCores.runnable(status("0")))
    XCTAssertNil(AvailableCores.runnable("Name:\tx\n"))
  }

  func testThereAreNoMoreThanTheMachineHas() {
    XCTAssertTrue((1...ProcessInfo.processInfo.processorCount).contains(AvailableCores.count))
  }
}
