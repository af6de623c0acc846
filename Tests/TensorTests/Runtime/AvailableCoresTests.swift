import Foundation
import XCTest

@testable import Tensor

final class AvailableCoresTests: XCTestCase {
  func testTheCoresAProcessMayRunOnAreTheBitsOfItsMask() {
    func status(_ mask: String) -> String {
      "Name:\tx\nCpus_allowed:\t\(mask)\nCpus_allowed_list:\t0-7\n"
    }
    XCTAssertEqual(AvailableCores.runnable(status("3")), 2)
    XCTAssertEqual(AvailableCores.runnable(status("00000001,ffffffff,00000010")), 34)
    XCTAssertNil(AvailableCores.runnable("Name:\tx\n"))
  }

  func testThereAreNoMoreThanTheMachineHas() {
    XCTAssertTrue((1...ProcessInfo.processInfo.processorCount).contains(AvailableCores.count))
  }
}
