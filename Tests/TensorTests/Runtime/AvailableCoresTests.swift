import Foundation
import XCTest

@testable import Tensor

final class AvailableCoresTests: XCTestCase {
  private let root = FileManager.default.temporaryDirectory.path + "/\(UUID())"

  override func tearDown() { try? FileManager.default.removeItem(atPath: root) }

  func testVersionTwoIsLimitedByItsGroup() throws {
    try write("150000 100000\n", to: "a/b/cpu.max")
    XCTAssertEqual(limit("0::/a/b\n"), 2)
  }

  func testAGroupAboveLimitsToo() throws {
    try write("max 100000\n", to: "a/b/cpu.max")
    try write("100000 100000\n", to: "a/cpu.max")
    try write("400000 100000\n", to: "cpu.max")
    XCTAssertEqual(limit("0::/a/b\n"), 1)
  }

  func testVersionOneIsLimitedByItsGroup() throws {
    try write("300000\n", to: "cpu/a/cpu.cfs_quota_us")
    try write("100000\n", to: "cpu/a/cpu.cfs_period_us")
    XCTAssertEqual(limit("4:memory:/m\n2:cpu,cpuacct:/a\n0::/\n"), 3)
  }

  /// A container's path is that of the host, and its own group is mounted as the root.
  func testAPathThatIsNotThereLeavesTheRoot() throws {
    try write("50000 100000\n", to: "cpu.max")
    XCTAssertEqual(limit("0::/docker/0123\n"), 1)
  }

  func testNoQuotaIsNoLimit() throws {
    try write("-1\n", to: "cpu/cpu.cfs_quota_us")
    try write("100000\n", to: "cpu/cpu.cfs_period_us")
    try write("max 100000\n", to: "cpu.max")
    XCTAssertNil(limit("1:cpu:/\n0::/\n"))
    XCTAssertNil(limit(""))
  }

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

  private func limit(_ groups: String) -> Int? {
    AvailableCores.controlGroupLimit(groups, root: root)
  }

  private func write(_ text: String, to path: String) throws {
    let file = URL(fileURLWithPath: root + "/" + path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: false, encoding: .utf8)
  }
}
