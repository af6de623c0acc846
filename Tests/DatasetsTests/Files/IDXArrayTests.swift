import Foundation
import TestSupport
import XCTest

@testable import Datasets

final class IDXArrayTests: XCTestCase {
  func testReadsDimensionsAndElementsInOrder() throws {
    let files = try TemporaryFiles(for: self)
    let path = try files.write(idxFile([2, 1, 3], [0, 1, 2, 253, 254, 255]), to: "a")
    let array = try IDXArray(path: path, rank: 3)
    XCTAssertEqual(array.dimensions, [2, 1, 3])
    XCTAssertEqual(array.bytes, [0, 1, 2, 253, 254, 255])
  }

  func testDimensionsAreBigEndian() throws {
    let bytes = [UInt8](repeating: 7, count: 0x0102)
    let array = try IDXArray(Data([0, 0, 8, 1, 0, 0, 1, 2] + bytes), path: "a", rank: 1)
    XCTAssertEqual(array.dimensions, [258])
    XCTAssertEqual(array.bytes, bytes)
  }

  func testAnArrayMayBeEmpty() throws {
    XCTAssertEqual(try IDXArray(Data(idxFile([0, 28, 28], [])), path: "a", rank: 3).bytes, [])
  }

  func testMalformedFilesSayWhatWasNeededAndWhatCame() {
    let good = idxFile([2, 3], [1, 2, 3, 4, 5, 6])
    let cases: [(file: [UInt8], reason: String)] = [
      ([], "needs an IDX file, which starts with 00 00 08 02; the file is empty"),
      ([0, 0, 8], "needs an IDX file, which starts with 00 00 08 02; got 00 00 08"),
      (
        [0x89, 0x50, 0x4e, 0x47, 0],
        "needs an IDX file, which starts with 00 00 08 02; got 89 50 4e 47"
      ),
      (
        idxFile([2, 3], good, type: 0x0d),
        "needs IDX elements of type 08 (unsigned bytes); got type 0d"
      ),
      (idxFile([6], good), "needs an IDX array of 2 dimensions; got 1"),
      (Array(good.prefix(11)), "needs an IDX header of 12 bytes; the file has 11 bytes"),
      (
        good.dropLast(),
        "needs 6 bytes after the header for dimensions [2, 3]; got 5, so it is cut short"
      ),
      (
        good + [0],
        "needs 6 bytes after the header for dimensions [2, 3]; got 7, so something follows the data"
      ),
    ]
    for (file, reason) in cases {
      assertFails("a", reason) { try IDXArray(Data(file), path: "a", rank: 2) }
    }
  }

  func testDimensionsTooLargeForAnIntegerAreAnErrorAndNotATrap() {
    let most = 0xffff_ffff
    assertFails(
      "a",
      "needs dimensions whose product is below 2^62; got [\(most), \(most), \(most)]"
    ) { try IDXArray(Data(idxFile([most, most, most], [1])), path: "a", rank: 3) }
  }

  /// Nothing has any shape, and no shape may have more places than can be counted.
  func testMoreOfNothingThanCanBeCounted() {
    let most = 0xffff_ffff
    for dimensions in [[0, most, most], [0, most, most, most], [most, most, most]] {
      assertFails(
        "a", "needs dimensions whose product is below 2^62; got \(dimensions)"
      ) { try IDXArray(Data(idxFile(dimensions, [])), path: "a", rank: dimensions.count) }
    }
    XCTAssertEqual(
      try IDXArray(Data(idxFile([0, most, 0x3fff_ffff], [])), path: "a", rank: 3).bytes, [])
  }

  func testADataSetOfNoImages() throws {
    let files = try TemporaryFiles(for: self)
    let most = 0xffff_ffff
    let path = try files.write(idxFile([0, most, most], []), to: "train-images-idx3-ubyte")
    try files.write(idxFile([0], []), to: "train-labels-idx1-ubyte")
    assertFails(
      path, "needs dimensions whose product is below 2^62; got [0, 4294967295, 4294967295]"
    ) { try IDXDataset.load(.train, directory: files.directory) }
  }

  func testFilesOfOneByte() throws {
    for byte in UInt8.min...UInt8.max {
      XCTAssertThrowsError(try IDXArray(Data([byte]), path: "a", rank: 1))
    }
  }

  func testAPipeIsNotWaitedFor() throws {
    let files = try TemporaryFiles(for: self)
    let path = files.path("pipe")
    XCTAssertEqual(mkfifo(path, 0o600), 0)
    assertFails(path, "needs a file; this is a pipe") { try IDXArray(path: path, rank: 1) }
  }
}
