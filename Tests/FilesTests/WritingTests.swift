import Dispatch
import Foundation
import Synchronization
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
        (folder + "/folder", "cannot be written: it is a directory"),
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

  func testALinkStaysOneAndItsFileIsReplaced() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/far", withIntermediateDirectories: false)
      for (link, target, place) in [
        ("near", "far/a", "far/a"), ("whole", folder + "/far/b", "far/b"),
        ("twice", "near", "far/a"),
      ] {
        try FileManager.default.createSymbolicLink(
          atPath: "\(folder)/\(link)", withDestinationPath: target)
        try write("of \(link)", to: "\(folder)/\(link)")
        XCTAssertEqual(try text("\(folder)/\(place)"), "of \(link)")
        XCTAssertEqual(
          try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(link)"), target)
      }
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: folder + "/far").sorted(), ["a", "b"])
    }
  }

  func testPermissionsOfTheEarlierFileStay() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/file"
      try write("one", to: path)
      XCTAssertEqual(try mode(path) & 0o444, 0o444)
      chmod(path, 0o600)
      try write("two", to: path)
      XCTAssertEqual(try mode(path), 0o600)
      XCTAssertEqual(try text(path), "two")
    }
  }

  /// What is no file of ours is written to, not replaced.
  func testPipesStayPipes() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/pipe"
      XCTAssertEqual(mkfifo(path, 0o644), 0)
      // Opened without waiting for a writer.
      let reader = open(path, O_RDONLY | O_NONBLOCK)
      defer { close(reader) }
      try write("through", to: path)
      var bytes = [UInt8](repeating: 0, count: 7)
      XCTAssertEqual(read(reader, &bytes, 7), 7)
      XCTAssertEqual(String(decoding: bytes, as: UTF8.self), "through")
      XCTAssertEqual(FileKind(mode_t(try mode(path, all: true))), .pipe)
    }
    try write("nowhere", to: "/dev/null")
    XCTAssertEqual(FileKind(mode_t(try mode("/dev/null", all: true))), .device)
  }

  func testLeftoversOfProcessesThatAreGoneAreRemoved() throws {
    try withTemporaryFolder { folder in
      // Greater than any process: Linux counts to 2^22.
      let gone = "file.99999999.1.partial"
      let names = [
        gone, "file.99999999.partial", "file.1.1.partial", "other.99999999.1.partial",
        "file.x.partial", "file.partial",
      ]
      for name in names { try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
      try write("whole", to: folder + "/file")
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted(),
        (["file"] + names.dropFirst(2)).sorted())
    }
  }

  /// A process of another container has a number that says nothing here.
  func testAFileThatIsBeingWrittenStays() throws {
    try withTemporaryFolder { folder in
      let partial = "\(folder)/file.99999999.1.partial"
      let descriptor = open(partial, O_RDWR | O_CREAT, 0o644)
      XCTAssertEqual(flock(descriptor, LOCK_EX), 0)
      try write("whole", to: folder + "/file")
      XCTAssertTrue(FileManager.default.fileExists(atPath: partial))
      close(descriptor)
      try write("whole", to: folder + "/file")
      XCTAssertFalse(FileManager.default.fileExists(atPath: partial))
    }
  }

  func testThreadsMaySaveToOnePath() throws {
    try withTemporaryFolder { folder in
      let failures = Mutex<[String]>([])
      DispatchQueue.concurrentPerform(iterations: 200) { index in
        do {
          try write("\(index)", to: folder + "/file")
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
      XCTAssertEqual(failures.withLock { $0 }, [])
      XCTAssertNotNil(Int(try text(folder + "/file")))
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["file"])
    }
  }

  /// The disk's own words, not Foundation's numbers.
  func testAFullDiskIsSaid() {
    XCTAssertThrowsError(try write("much", to: "/dev/full")) { error in
      XCTAssertEqual("\(error)", "/dev/full: cannot be written: No space left on device")
    }
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }

  private func mode(_ path: String, all: Bool = false) throws -> UInt32 {
    var status = stat()
    XCTAssertEqual(stat(path, &status), 0)
    return all ? UInt32(status.st_mode) : UInt32(status.st_mode & 0o7777)
  }
}

private func write(_ text: String, to path: String) throws {
  try writeAtomically(to: path) { try $0.write(contentsOf: Data(text.utf8)) }
}
