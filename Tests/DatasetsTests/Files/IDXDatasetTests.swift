import TestSupport
import XCTest

@testable import Datasets

final class IDXDatasetTests: XCTestCase {
  private let trainImages = idxFile([3, 1, 2], [0, 51, 102, 153, 204, 255])
  private let trainLabels = idxFile([3], [1, 0, 2])

  private func write(
    images: [UInt8], labels: [UInt8], prefix: String = "train"
  ) throws -> (directory: String, images: String, labels: String) {
    let files = try TemporaryFiles(for: self)
    return (
      files.directory, try files.write(images, to: "\(prefix)-images-idx3-ubyte"),
      try files.write(labels, to: "\(prefix)-labels-idx1-ubyte")
    )
  }

  func testReadsImagesAndLabels() throws {
    let paths = try write(images: trainImages, labels: trainLabels)
    let data = try IDXDataset.load(.train, directory: paths.directory)
    XCTAssertEqual(data.count, 3)
    XCTAssertEqual(data.imageShape, [1, 2, 1])
    XCTAssertEqual(data.labels, [1, 0, 2])
    XCTAssertEqual(data.classNames, ["0", "1", "2"])
    XCTAssertEqual(data.images(in: 0..<3).scalars, [0, 0.2, 0.4, 0.6, 0.8, 1])
  }

  func testReadsColourImages() throws {
    let files = try TemporaryFiles(for: self)
    let bytes = (0..<24).map { UInt8($0 * 10) }
    _ = try files.write(idxFile([2, 2, 2, 3], bytes), to: "train-images-idx4-ubyte")
    _ = try files.write(idxFile([2], [1, 0]), to: "train-labels-idx1-ubyte")
    let data = try IDXDataset.load(.train, directory: files.directory)
    XCTAssertEqual(data.imageShape, [2, 2, 3])
    XCTAssertEqual(data.images(in: 0..<2).scalars, bytes.map { Float($0) / 255 })
  }

  func testTheTestSplitHasFilesOfItsOwn() throws {
    let paths = try write(
      images: idxFile([1, 1, 1], [255]), labels: idxFile([1], [4]), prefix: "t10k")
    XCTAssertEqual(try IDXDataset.load(.test, directory: paths.directory).labels, [4])
    assertFails(
      paths.directory,
      "needs a file train-images-idx3-ubyte or train-images-idx3-ubyte.gz; there is neither"
    ) { try IDXDataset.load(.train, directory: paths.directory) }
  }

  func testCountsOfImagesAndLabelsMustAgree() throws {
    let paths = try write(images: trainImages, labels: idxFile([2], [1, 0]))
    assertFails(
      paths.labels, "needs a label for each of the 3 images of \(paths.images); got 2 labels"
    ) { try IDXDataset.load(.train, directory: paths.directory) }
  }

  func testLabelsMustHaveNames() throws {
    let paths = try write(images: trainImages, labels: trainLabels)
    assertFails(paths.labels, "needs labels in 0..<2; got 2 for image 2") {
      try IDXDataset.load(.train, directory: paths.directory, classNames: ["a", "b"])
    }
  }

  func testImagesMustHavePixels() throws {
    let paths = try write(images: idxFile([3, 0, 2], []), labels: trainLabels)
    assertFails(paths.images, "needs images of at least one pixel; got size [0, 2, 1]") {
      try IDXDataset.load(.train, directory: paths.directory)
    }
  }

  func testImagesAndLabelsMayNotBeExchanged() throws {
    let paths = try write(images: trainLabels, labels: trainImages)
    assertFails(paths.images, "needs an IDX array of 3 dimensions; got 1") {
      try IDXDataset.load(.train, directory: paths.directory)
    }
  }

  func testTheDirectoryMustBeOne() throws {
    let paths = try write(images: trainImages, labels: trainLabels)
    assertFails("/no/such/directory", "needs a directory; there is none") {
      try IDXDataset.load(.train, directory: "/no/such/directory")
    }
    assertFails(paths.images, "needs a directory; this is a file") {
      try IDXDataset.load(.train, directory: paths.images)
    }
  }
}
