import Foundation
import TestSupport
import XCTest

@testable import Datasets

final class CIFAR10Tests: XCTestCase {
  /// A record whose pixels say where they are.
  private func record(_ label: UInt8, _ value: (_ channel: Int, _ y: Int, _ x: Int) -> Int)
    -> [UInt8]
  {
    [label]
      + (0..<3 * 32 * 32).map {
        UInt8(truncatingIfNeeded: value($0 / 1_024, $0 / 32 % 32, $0 % 32))
      }
  }

  func testChannelsComeSideBySide() throws {
    let files = try TemporaryFiles(for: self)
    try files.write(
      record(3) { $1 * 7 + $2 + $0 * 50 } + record(9) { 255 - $1 * 7 - $2 - $0 },
      to: "test_batch.bin")
    let data = try CIFAR10.load(.test, directory: files.directory)
    XCTAssertEqual(data.labels, [3, 9])
    XCTAssertEqual(data.labels.map { data.classNames[$0] }, ["cat", "truck"])
    let pixels = data.images(in: 0..<2).scalars
    for (index, y, x, channel) in [(0, 0, 0, 0), (0, 2, 30, 1), (1, 31, 4, 2), (1, 17, 31, 0)] {
      let number = index == 0 ? y * 7 + x + channel * 50 : 255 - y * 7 - x - channel
      XCTAssertEqual(
        pixels[((index * 32 + y) * 32 + x) * 3 + channel],
        Float(UInt8(truncatingIfNeeded: number)) / 255)
    }
  }

  func testTrainingImagesComeFromFiveFilesInTurn() throws {
    let files = try TemporaryFiles(for: self)
    for number in 1...5 {
      try files.write(record(UInt8(number)) { _, _, _ in 0 }, to: "data_batch_\(number).bin")
    }
    XCTAssertEqual(try CIFAR10.load(.train, directory: files.directory).labels, [1, 2, 3, 4, 5])
  }

  func testDamagedFilesAreNamed() throws {
    let files = try TemporaryFiles(for: self)
    let path = files.path("test_batch.bin")
    func load() throws -> LabeledImages { try CIFAR10.load(.test, directory: files.directory) }
    assertFails(path, "needs a file; there is none", load)
    try files.write(Array(record(3) { _, _, _ in 0 }.dropLast()), to: "test_batch.bin")
    assertFails(path, "needs records of 3073 bytes; the file has 3072 bytes", load)
    try files.write([], to: "test_batch.bin")
    assertFails(path, "needs records of 3073 bytes; the file has 0 bytes", load)
    try files.write(
      record(1) { _, _, _ in 0 } + record(10) { _, _, _ in 0 }, to: "test_batch.bin")
    assertFails(path, "needs labels in 0..<10; got 10 for image 1", load)
  }

  func testMoreRecordsThanTheDataSetHas() throws {
    let files = try TemporaryFiles(for: self)
    let path = try files.write(
      [UInt8](repeating: 0, count: 10_001 * 3_073), to: "test_batch.bin")
    assertFails(path, "needs at most 10000 records of 3073 bytes; the file has more") {
      try CIFAR10.load(.test, directory: files.directory)
    }
  }

  func testTheVersionForPythonIsNamed() throws {
    let files = try TemporaryFiles(for: self)
    let other = try files.write([0x80], to: "test_batch")
    assertFails(
      other + ".bin", "needs CIFAR-10's binary version; \(other) is of the version for Python"
    ) { try CIFAR10.load(.test, directory: files.directory) }
  }

  func testAPipeIsNotWaitedFor() throws {
    let files = try TemporaryFiles(for: self)
    let path = files.path("test_batch.bin")
    XCTAssertEqual(mkfifo(path, 0o600), 0)
    assertFails(path, "needs a file; this is a pipe") {
      try CIFAR10.load(.test, directory: files.directory)
    }
  }
}
