import TestSupport
import XCTest

@testable import Datasets

final class STL10Tests: XCTestCase {
  /// The bytes of an image: channel after channel, each column by column.
  private func image(_ value: (_ channel: Int, _ y: Int, _ x: Int) -> Int) -> [UInt8] {
    (0..<3 * 96 * 96).map {
      UInt8(truncatingIfNeeded: value($0 / 9_216, $0 % 96, $0 / 96 % 96))
    }
  }

  func testColumnsBecomeRows() throws {
    let files = try TemporaryFiles(for: self)
    try files.write(image { $0 * 80 + $1 + 2 * $2 } + image { $1 - $2 + $0 }, to: "train_X.bin")
    try files.write([1, 10], to: "train_y.bin")
    let data = try STL10.load(.train, directory: files.directory)
    XCTAssertEqual(data.labels.map { data.classNames[$0] }, ["airplane", "truck"])
    XCTAssertEqual(data.imageShape, [96, 96, 3])
    let pixels = data.images(in: 0..<2).scalars
    for (index, y, x, channel) in [(0, 0, 95, 0), (0, 95, 0, 1), (1, 90, 4, 2), (1, 17, 9, 0)] {
      let number = index == 0 ? channel * 80 + y + 2 * x : y - x + channel
      XCTAssertEqual(
        pixels[((index * 96 + y) * 96 + x) * 3 + channel],
        Float(UInt8(truncatingIfNeeded: number)) / 255)
    }
  }

  func testUnlabeledImagesHaveNoLabels() throws {
    let files = try TemporaryFiles(for: self)
    try files.write(image { channel, _, _ in channel }, to: "unlabeled_X.bin")
    let data = try STL10.load(.unlabeled, directory: files.directory)
    XCTAssertEqual(data.count, 1)
    XCTAssertEqual(data.labels, [])
    XCTAssertEqual(data.classNames, [])
  }

  func testDamagedFilesAreNamed() throws {
    let files = try TemporaryFiles(for: self)
    let (images, labels) = (files.path("test_X.bin"), files.path("test_y.bin"))
    func load() throws -> LabeledImages { try STL10.load(.test, directory: files.directory) }
    assertFails(images, "needs a file; there is none", load)
    try files.write([1, 2, 3], to: "test_X.bin")
    assertFails(images, "needs images of 27648 bytes; the file has 3 bytes", load)
    try files.write(image { _, _, _ in 0 }, to: "test_X.bin")
    try files.write([1, 2], to: "test_y.bin")
    assertFails(labels, "needs a label for each of the 1 images of \(images); got 2 labels", load)
    try files.write([0], to: "test_y.bin")
    assertFails(labels, "needs labels in 1...10; got 0 for image 0", load)
  }

  func testMoreImagesOrLabelsThanTheDataSetHas() throws {
    let files = try TemporaryFiles(for: self)
    let path = try files.write([UInt8](repeating: 0, count: 27_648), to: "test_X.bin")
    try files.write([UInt8](repeating: 1, count: 8_001), to: "test_y.bin")
    assertFails(
      files.path("test_y.bin"), "needs a label for each of the 1 images of \(path); got 8001 labels"
    ) { try STL10.load(.test, directory: files.directory) }
    try files.write([], to: "train_X.bin")
    XCTAssertEqual(truncate(files.path("train_X.bin"), 5_001 * 27_648), 0)
    assertFails(files.path("train_X.bin"), "needs at most 5000 images; the file has more") {
      try STL10.load(.train, directory: files.directory)
    }
  }

  func testAPipeIsNotWaitedFor() throws {
    let files = try TemporaryFiles(for: self)
    let path = files.path("unlabeled_X.bin")
    XCTAssertEqual(mkfifo(path, 0o600), 0)
    assertFails(path, "needs a file; this is a pipe") {
      try STL10.load(.unlabeled, directory: files.directory)
    }
  }
}
