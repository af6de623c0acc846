import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Nets

final class FileErrorTests: XCTestCase {
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
        XCTAssertThrowsError(try Linear(1, 1).save(to: path)) { error in
          XCTAssertEqual("\(error)", "\(path): \(reason)")
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
