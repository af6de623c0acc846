import Foundation
import TestSupport
import XCTest

@testable import Datasets

final class FashionMNISTTests: XCTestCase {
  private func load(_ split: Split) throws -> LabeledImages {
    try XCTSkipUnless(
      FileManager.default.fileExists(atPath: FashionMNIST.debianDirectory),
      "needs the package dataset-fashion-mnist")
    return try FashionMNIST.load(split)
  }

  func testHasSixThousandTrainingImagesOfEachClass() throws {
    let data = try load(.train)
    XCTAssertEqual(data.imageShape, [28, 28, 1])
    XCTAssertEqual(data.classNames.count, 10)
    for label in 0..<10 {
      XCTAssertEqual(data.labels.count { $0 == label }, 6_000, data.classNames[label])
    }
    XCTAssertEqual(data.labels[0], 9, "the first image is an ankle boot")
  }

  /// The figures that are in use for normalising Fashion-MNIST: 0.2860 and 0.3530.
  func testHasTheKnownMeanAndDeviation() throws {
    let statistics = try load(.train).channelStatistics()
    XCTAssertEqual(statistics.mean[0], 0.2860, accuracy: 5e-5)
    XCTAssertEqual(statistics.standardDeviation[0], 0.3530, accuracy: 5e-5)
  }

  func testHasAThousandTestImagesOfEachClass() throws {
    let data = try load(.test)
    for label in 0..<10 { XCTAssertEqual(data.labels.count { $0 == label }, 1_000) }
  }

  func testAMissingDirectorySaysHowToGetOne() {
    assertFails(
      "/no/such/directory",
      "needs a directory; there is none; apt-get install dataset-fashion-mnist, or pass the "
        + "directory that has the files"
    ) { try FashionMNIST.load(.train, directory: "/no/such/directory") }
  }
}
