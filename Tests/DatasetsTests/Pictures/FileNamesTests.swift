import Files
import TestSupport
import XCTest

@testable import Datasets

final class FileNamesTests: XCTestCase {
  /// The file of an image, also within parts of parts, in memory and on demand.
  func testFilesOfImages() throws {
    let files = try TemporaryFiles(for: self)
    for name in ["a.png", "b.png", "c.png"] {
      try files.write(PictureFixtures.bytes("color.png"), to: name)
    }
    let contents = try ImageFolder.contents(of: files.directory)
    let sets: [any ImageDataset] = [
      try ImageFolder.load(directory: files.directory, imageSize: 8),
      try ImageFolder.open(contents, imageSize: 8),
    ]
    for set in sets {
      let part = Subset(Subset(set, indices: [2, 0, 1]), indices: [1, 0])
      XCTAssertEqual((0..<2).map { part.file(of: $0)?.nameInPath }, ["a.png", "c.png"])
      XCTAssertEqual(set.file(of: 1), files.path("b.png"))
    }
    let drawn = LabeledImages(images: .zeros([2, 1, 1, 1]))
    XCTAssertNil(drawn.file(of: 0))
    XCTAssertNil(drawn.first(1).file(of: 0))
  }
}
