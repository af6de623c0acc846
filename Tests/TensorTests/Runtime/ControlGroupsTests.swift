import Foundation
import XCTest

@testable import Tensor

/// The files of control groups, in a folder of the test's own.
final class ControlGroupsTests: XCTestCase {
  private let root = FileManager.default.temporaryDirectory.path + "/\(UUID())"

  override func tearDown() { try? FileManager.default.removeItem(atPath: root) }

  func testVersionTwoIsLimitedByItsGroup() throws {
    try write("150000 100000\n", to: "a/b/cpu.max")
    XCTAssertEqual(cores("0::/a/b\n"), 2)
  }

  func testAGroupAboveLimitsToo() throws {
    try write("max 100000\n", to: "a/b/cpu.max")
    try write("100000 100000\n", to: "a/cpu.max")
    try write("400000 100000\n", to: "cpu.max")
    XCTAssertEqual(cores("0::/a/b\n"), 1)
  }

  func testVersionOneIsLimitedByItsGroup() throws {
    try write("300000\n", to: "cpu/a/cpu.cfs_quota_us")
    try write("100000\n", to: "cpu/a/cpu.cfs_period_us")
    XCTAssertEqual(cores("4:memory:/m\n2:cpu,cpuacct:/a\n0::/\n"), 3)
  }

  /// A container's path is that of the host, and its own group is mounted as the root.
  func testAPathThatIsNotThereLeavesTheRoot() throws {
    try write("50000 100000\n", to: "cpu.max")
    XCTAssertEqual(cores("0::/docker/0123\n"), 1)
  }

  func testNoQuotaIsNoLimit() throws {
    try write("-1\n", to: "cpu/cpu.cfs_quota_us")
    try write("100000\n", to: "cpu/cpu.cfs_period_us")
    try write("max 100000\n", to: "cpu.max")
    XCTAssertNil(cores("1:cpu:/\n0::/\n"))
    XCTAssertNil(cores(""))
  }

  // MARK: - Memory

  func testVersionTwoLimitsMemoryFromAbove() throws {
    try write("max\n", to: "a/b/memory.max")
    try write("1073741824\n", to: "a/memory.max")
    try write("4294967296\n", to: "memory.max")
    XCTAssertEqual(memory("0::/a/b\n"), 1 << 30)
    XCTAssertEqual(memory("0::/\n"), 4 << 30)
  }

  func testVersionOneLimitsMemoryByItsOwnController() throws {
    try write("536870912\n", to: "memory/m/memory.limit_in_bytes")
    try write("9223372036854771712\n", to: "memory/memory.limit_in_bytes")
    XCTAssertEqual(memory("4:memory:/m\n2:cpu,cpuacct:/a\n0::/\n"), 512 << 20)
    XCTAssertEqual(memory("4:memory:/gone\n"), 9_223_372_036_854_771_712)
    XCTAssertNil(memory("2:cpu,cpuacct:/a\n"))
  }

  /// Version 2 beside version 1, and a mount that is named by all its controllers.
  func testBothVersionsAtOnce() throws {
    try write("300 100\n", to: "unified/a/cpu.max")
    try write("200\n", to: "cpu,cpuacct/b/cpu.cfs_quota_us")
    try write("100\n", to: "cpu,cpuacct/b/cpu.cfs_period_us")
    XCTAssertEqual(cores("0::/a\n"), 3)
    XCTAssertEqual(cores("2:cpu,cpuacct:/b\n0::/a\n"), 2)
  }

  func testNothingReadableIsNoLimit() throws {
    try write("many\n", to: "memory.max")
    try write("", to: "a/memory.max")
    XCTAssertNil(memory("0::/a\n"))
    XCTAssertNil(memory("0:/a\n\n:\n"))
  }

  func testTheMachinesOwnMemory() {
    let physical = Int(ProcessInfo.processInfo.physicalMemory)
    XCTAssertTrue((1...physical).contains(Machine.memoryLimit))
  }

  private func cores(_ groups: String) -> Int? { ControlGroups(groups, root: root).cores }

  private func memory(_ groups: String) -> Int? { ControlGroups(groups, root: root).memory }

  private func write(_ text: String, to path: String) throws {
    let file = URL(fileURLWithPath: root + "/" + path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: false, encoding: .utf8)
  }
}
