import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Images

final class ImageFilesTests: XCTestCase {
  private let image = PixelImage(
    Tensor(
      [.nan, 1, 0.5, -3, .infinity, 0.1, 0.2, 0.3, 0.4, 1, 1, 0, 0, 0, 0, 0.25, 0.75, 1],
      shape: [2, 3, 3]))
  private let bytes: [UInt8] = [
    0, 255, 128, 0, 255, 26, 51, 77, 102, 255, 255, 0, 0, 0, 0, 64, 191, 255,
  ]

  func testAPNGFileHoldsTheRoundedValues() throws {
    let path = try TemporaryFiles(for: self).path("a.png")
    try image.write(to: path)
    let picture = try PixelImage(contentsOf: path)
    XCTAssertEqual(picture.size, [2, 3])
    XCTAssertEqual(picture.colors, bytes)
    XCTAssertEqual(picture.pixels.scalars, bytes.map { Float($0) / 255 })
  }

  func testLargeAndNoisyPNGFilesHaveRoom() throws {
    let path = try TemporaryFiles(for: self).path("noise.png")
    var stream = RandomStream(seed: 0)
    for size in [Size2D(height: 1, width: 1), [300, 1], [1, 300], [257, 511]] {
      let noise = PixelImage(.uniform([size.height, size.width, 3], using: &stream))
      try noise.write(to: path)
      XCTAssertEqual(try PixelImage(contentsOf: path).colors, noise.colors, "\(size)")
    }
  }

  func testAPPMFileIsAHeaderAndTheBytes() throws {
    let path = try TemporaryFiles(for: self).path("a.ppm")
    try image.write(to: path)
    XCTAssertEqual(
      try Array(Data(contentsOf: URL(fileURLWithPath: path))), Array("P6 3 2 255\n".utf8) + bytes)
  }

  func testGreysAreWrittenAsColors() throws {
    let path = try TemporaryFiles(for: self).path("grey.png")
    try PixelImage(Tensor([0, 1], shape: [1, 2, 1])).write(to: path)
    XCTAssertEqual(try PixelImage(contentsOf: path).colors, [0, 0, 0, 255, 255, 255])
  }

  func testWrongNamesAndPlaces() throws {
    let files = try TemporaryFiles(for: self)
    assertFails(files.path("a.gif"), "needs a name that ends with .png or .ppm") {
      try image.write(to: files.path("a.gif"))
    }
    XCTAssertThrowsError(try image.write(to: files.path("none/a.png"))) { error in
      XCTAssertEqual(
        "\(error)", "\(files.path("none/a.png")): cannot be written: No such file or directory")
    }
  }
}
