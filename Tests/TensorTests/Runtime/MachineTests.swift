import XCTest

@testable import Tensor

final class MachineTests: XCTestCase {
  func testProcessorsHaveTheNameOrTheNumbersThatLinuxGives() {
    let named = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9B45\n"
    XCTAssertEqual(Machine.processor(in: named), "AMD EPYC 9B45")
    // A Neoverse N1.
    let numbered = """
      processor\t: 0
      BogoMIPS\t: 243.75
      Features\t: fp asimd evtstrm aes
      CPU implementer\t: 0x41
      CPU architecture: 8
      CPU variant\t: 0x3
      CPU part\t: 0xd0c
      CPU revision\t: 1
      """
    XCTAssertEqual(Machine.processor(in: numbered), "arm64, implementer 0x41, part 0xd0c")
    XCTAssertEqual(Machine.processor(in: ""), "unknown")
  }
}
