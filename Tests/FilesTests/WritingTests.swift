import Foundation
import TestSupport
import XCTest

@testable import Files

final class WritingTests: XCTestCase {
  private struct Failure: Error {}

  func testUnwritablePaths() throws {
    try withTemporaryFolder { folder in
      try Data().write(to: URL(fileURLWithPath: folder + "/file"))
      try FileManager.default.createDirectory(
        atPath: folder + "/folder", withIntermediateDirectories: false)
      for (path, reason) in [
        (folder + "/none/net", "cannot be written: No such file or directory"),
        (folder + "/file/net", "cannot be written: Not a directory"),
        (folder + "/folder", "cannot be replaced: Is a directory"),
      ] {
        XCTAssertThrowsError(try writeAtomically(to: path) { try $0.write(contentsOf: Data([1])) })
        { error in
          XCTAssertEqual(
            error as? FileError, FileError(path: path, reason: reason, kind: .unwritable))
        }
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      XCTAssertEqual(left.sorted(), ["file", "folder"])
    }
  }

  func testFailedWriteLeavesTheEarlierFile() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/file"
      try Data([1, 2]).write(to: URL(fileURLWithPath: path))
      XCTAssertThrowsError(
        try writeAtomically(to: path) { file in
          try file.write(contentsOf: Data([3]))
          throw Failure()
        })
      XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: path)), Data([1, 2]))
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["file"])
    }
  }
}
