import Foundation
import TestSupport
import XCTest

@testable import Files

final class ReadingTests: XCTestCase {
  private let unpacked = idxFile([2, 2, 3], [0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6])

  // Python 3.11: gzip.compress(bytes of `unpacked`, 9, mtime=0)
  private let packed: [UInt8] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0xe0, 0x60, 0x66, 0x60,
    0x60, 0x60, 0x82, 0x62, 0x66, 0x06, 0xe3, 0xb4, 0x99, 0x67, 0xfe, 0x33, 0x32, 0x31, 0xb3, 0xb0,
    0xb2, 0x01, 0x00, 0xf2, 0x72, 0xca, 0xe9, 0x1c, 0x00, 0x00, 0x00,
  ]

  func testReadsPlainAndPackedFiles() throws {
    let files = try TemporaryFiles(for: self)
    XCTAssertEqual(try [UInt8](unpackedContents(files.write(unpacked, to: "a"))), unpacked)
    XCTAssertEqual(try [UInt8](unpackedContents(files.write(packed, to: "a.gz"))), unpacked)
  }

  func testPackedDataAreKnownByTheirFirstBytesWhateverTheName() throws {
    let files = try TemporaryFiles(for: self)
    XCTAssertEqual(try [UInt8](unpackedContents(files.write(packed, to: "a"))), unpacked)
  }

  func testAFileOfSeveralMembersIsTheirSum() throws {
    let files = try TemporaryFiles(for: self)
    let path = try files.write(packed + packed, to: "a.gz")
    XCTAssertEqual(try [UInt8](unpackedContents(path)), unpacked + unpacked)
  }

  func testEveryTruncationOfAPackedFileIsAnError() throws {
    let files = try TemporaryFiles(for: self)
    for length in 2..<packed.count {
      let path = try files.write(Array(packed.prefix(length)), to: "a.gz")
      XCTAssertThrowsError(try unpackedContents(path), "\(length) bytes") { error in
        let text = "\(error)"
        XCTAssertTrue(text.hasPrefix("\(path): needs complete gzip data; got an error"), text)
        XCTAssertTrue(text.hasSuffix("unexpected end of file)"), text)
      }
    }
  }

  func testAWrongCheckSumIsAnError() throws {
    let files = try TemporaryFiles(for: self)
    var bytes = packed
    bytes[packed.count - 8] ^= 1
    let path = try files.write(bytes, to: "a.gz")
    XCTAssertThrowsError(try unpackedContents(path)) { error in
      XCTAssertTrue("\(error)".hasSuffix("incorrect data check)"), "\(error)")
    }
  }

  func testAFileThatOnlyClaimsToBePackedIsAnError() throws {
    let files = try TemporaryFiles(for: self)
    let start = "needs gzip data, which start with 1f 8b; "
    let plain = try files.write(unpacked, to: "a.gz")
    assertFails(plain, start + "got 00 00") { try unpackedContents(plain) }
    let empty = try files.write([], to: "b.gz")
    assertFails(empty, start + "the file is empty") { try unpackedContents(empty) }
    let short = try files.write([0x1f], to: "c.gz")
    assertFails(short, start + "got 1f") { try unpackedContents(short) }
  }

  func testMissingFilesAndDirectoriesAreErrors() throws {
    let files = try TemporaryFiles(for: self)
    let path = files.path("none")
    assertFails(path, "needs a file; there is none") { try unpackedContents(path) }
    assertFails(files.directory, "needs a file; this is a directory") {
      try unpackedContents(files.directory)
    }
  }

  func testAnUnreadableFileIsAnError() throws {
    let files = try TemporaryFiles(for: self)
    var path = try files.write([1, 2, 3], to: "a")
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
    // The superuser may read every file, but nobody can read the first page of a process.
    if FileManager.default.isReadableFile(atPath: path) { path = "/proc/self/mem" }
    try XCTSkipUnless(FileManager.default.fileExists(atPath: path), "needs a file nobody can read")
    XCTAssertThrowsError(try unpackedContents(path)) { error in
      XCTAssertTrue("\(error)".hasPrefix("\(path): cannot be read: "), "\(error)")
    }
  }

  func testAbsenceOfZlibNamesThePackage() throws {
    let files = try TemporaryFiles(for: self)
    let path = try files.write(packed, to: "a.gz")
    let absent = Result { try ZLib(named: "libz-absent.so.1") }
    XCTAssertThrowsError(try unpackedContents(path, by: absent)) { error in
      let text = "\(error)"
      XCTAssertTrue(text.hasPrefix("\(path): needs the library libz-absent.so.1"), text)
      XCTAssertTrue(text.hasSuffix("install it with: apt-get install zlib1g"), text)
      XCTAssertTrue(error is FileError)
    }
    XCTAssertEqual(
      try [UInt8](unpackedContents(files.write(unpacked, to: "b"), by: absent)), unpacked,
      "a plain file needs no zlib")
  }

  /// Zeros, as they pack to a thousandth; `Fixtures` would be larger than this.
  private func packedZeros(_ path: String, count: Int) throws {
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/bin/sh")
    gzip.arguments = ["-c", "head -c \(count) /dev/zero | gzip -c > '\(path)'"]
    try gzip.run()
    gzip.waitUntilExit()
    try XCTSkipUnless(gzip.terminationStatus == 0, "needs gzip")
  }

  func testUnpackingStopsBehindTheLimit() throws {
    let files = try TemporaryFiles(for: self)
    let path = files.path("a.gz")
    try packedZeros(path, count: 50_000_000)
    XCTAssertEqual(try unpackedContents(path, limit: 1_000_000).count, 1_000_001)
    XCTAssertEqual(try unpackedContents(path, limit: 50_000_000).count, 50_000_000)
    // The first block is unpacked before the limit can be known.
    let limited = try unpackedContents(path) { start in start.count < 4 ? nil : 10 }
    XCTAssertLessThanOrEqual(limited.count, 1 << 18)
    XCTAssertGreaterThan(limited.count, 10)
    struct Refusal: Error {}
    XCTAssertThrowsError(try unpackedContents(path) { _ in throw Refusal() }) {
      XCTAssertTrue($0 is Refusal)
    }
  }

  func testTheLimitCutsNoWholeFile() throws {
    let files = try TemporaryFiles(for: self)
    let path = try files.write(packed, to: "a.gz")
    for limit in [28, 29, 1_000] {
      XCTAssertEqual(try [UInt8](unpackedContents(path, limit: limit)), unpacked)
    }
    // Up to its limit, a file is read to its end, and its check sum counts.
    var bytes = packed
    bytes[packed.count - 8] ^= 1
    let damaged = try files.write(bytes, to: "b.gz")
    XCTAssertThrowsError(try unpackedContents(damaged, limit: 28))
  }

  func testPipesAndDevicesAreNotWaitedFor() throws {
    let files = try TemporaryFiles(for: self)
    let pipe = files.path("pipe")
    XCTAssertEqual(mkfifo(pipe, 0o600), 0)
    assertFails(pipe, "needs a file; this is a pipe") { try mappedContents(pipe) }
    assertFails(pipe, "needs a file; this is a pipe") { try unpackedContents(pipe) }
    assertFails(pipe, "needs a directory; this is a pipe") { try checkDirectory(pipe) }
    assertFails("/dev/zero", "needs a file; this is a device") { try mappedContents("/dev/zero") }
    let link = files.path("link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: pipe)
    assertFails(link, "needs a file; this is a pipe") { try mappedContents(link) }
    let inside = try files.write([1], to: "plain") + "/x"
    assertFails(inside, "needs a file; there is none") { try mappedContents(inside) }
  }
}
