import Foundation
import XCTest

@testable import Files

final class PathTests: XCTestCase {
  func testPartsOfPaths() {
    for (path, directory, name, ending) in [
      ("a", ".", "a", ""), ("", ".", "", ""), ("/", "/", "", ""), ("/a", "/", "a", ""),
      ("a/b.PNG", "a", "b.PNG", "png"), ("a/b/", "a", "b", ""),
      ("/x/y.tar.gz", "/x", "y.tar.gz", "gz"),
      ("a.b/c", "a.b", "c", ""), ("./m", ".", "m", ""), ("a//", ".", "a", ""),
    ] {
      XCTAssertEqual(path.directoryOfPath, directory, path)
      XCTAssertEqual(path.nameInPath, name, path)
      XCTAssertEqual(path.endingOfPath, ending, path)
    }
  }

  func testAPathOfOneLetterIsWritten() throws {
    let before = FileManager.default.currentDirectoryPath
    let folder = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer {
      _ = FileManager.default.changeCurrentDirectoryPath(before)
      try? FileManager.default.removeItem(atPath: folder)
    }
    _ = FileManager.default.changeCurrentDirectoryPath(folder)
    try writeAtomically(to: "m") { try $0.write(contentsOf: Data([1])) }
    XCTAssertEqual(FileManager.default.contents(atPath: folder + "/m"), Data([1]))
  }
}
