import Foundation
import TestSupport
import XCTest

@testable import Files

final class DirectoryLockTests: XCTestCase {
  /// One holder at a time, and none after the holder is gone.
  func testOneAtATime() throws {
    try withTemporaryFolder { folder in
      var first = try DirectoryLock(folder)
      XCTAssertNotNil(first)
      XCTAssertNil(try DirectoryLock(folder))
      first = nil
      XCTAssertNotNil(try DirectoryLock(folder))
    }
  }

  func testADirectoryThatIsNotThere() {
    XCTAssertThrowsError(try DirectoryLock("/proc/none")) {
      XCTAssertEqual(
        "\($0)", "/proc/none: cannot be opened: No such file or directory")
    }
  }
}
