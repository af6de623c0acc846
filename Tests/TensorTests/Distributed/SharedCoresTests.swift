import XCTest

@testable import Tensor

/// How many threads each of several processes takes.
final class SharedCoresTests: XCTestCase {
  private func threads(
    _ cores: [Range<Int>], quota: Int? = nil, machines: [String]? = nil
  ) -> [Int] {
    let processes = cores.enumerated().map { rank, cores in
      SharedCores(machine: machines?[rank] ?? "a", cores: Set(cores), quota: quota)
    }
    return processes.indices.map { SharedCores.threads(of: $0, among: processes) }
  }

  func testProcessesOfOneMachineShareItsCores() {
    XCTAssertEqual(threads([0..<16, 0..<16, 0..<16, 0..<16]), [4, 4, 4, 4])
    XCTAssertEqual(threads([0..<2, 0..<2, 0..<2]), [1, 1, 1])
    XCTAssertEqual(threads([0..<8, 0..<8, 0..<8], machines: ["a", "b", "a"]), [4, 8, 4])
  }

  /// A launcher that binds each process to cores of its own has shared them out.
  func testBoundProcessesKeepTheirCores() {
    XCTAssertEqual(threads([0..<4, 4..<8, 8..<12]), [4, 4, 4])
    // Two processes on each of two sockets.
    XCTAssertEqual(threads([0..<8, 8..<16, 0..<8, 8..<16]), [4, 4, 4, 4])
  }

  /// A container's quota is for all processes in it, however many cores they may run on.
  func testAQuotaIsShared() {
    XCTAssertEqual(threads([0..<16, 0..<16, 0..<16, 0..<16], quota: 4), [1, 1, 1, 1])
    XCTAssertEqual(threads([0..<8, 8..<16], quota: 4), [2, 2])
    XCTAssertEqual(threads([0..<16, 0..<16], quota: 4, machines: ["a", "b"]), [4, 4])
    XCTAssertEqual(threads([0..<2, 0..<2], quota: 16), [1, 1])
  }

  func testWhatProcessesTellEachOther() {
    for quota in [nil, 3] {
      let own = SharedCores(machine: "a host", cores: [0, 5, 1_023], quota: quota)
      XCTAssertEqual(SharedCores(text: own.text), own)
    }
    let own = SharedCores.own
    XCTAssertEqual(SharedCores(text: own.text), own)
    XCTAssertEqual(SharedCores.threads(of: 0, among: [own]), Threads.available)
  }
}
