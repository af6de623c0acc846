import Tensor
import XCTest

@testable import Images

final class PixelImageTests: XCTestCase {
  func testAnImageIsItsTensor() {
    let tensor = Tensor([1, 2, 3, 4, 5, 6], shape: [1, 2, 3])
    let image = PixelImage(tensor)
    XCTAssertEqual(image.size, Size2D(height: 1, width: 2))
    XCTAssertEqual(image.channels, 3)
    XCTAssertEqual(image[0, 1, 2], 6)
    XCTAssertEqual(image.pixels.scalars, tensor.scalars)
    XCTAssertEqual(image.description, "PixelImage(1x2, 3 channels)")
  }

  func testACopyKeepsItsNumbersWhenTheOriginalChanges() {
    let tensor = Tensor.full(0.75, [2, 2, 3])
    let image = PixelImage(tensor)
    var changed = image
    changed.mutate { $0.update(repeating: 0) }
    XCTAssertEqual(changed.pixels.scalars, [Float](repeating: 0, count: 12))
    XCTAssertEqual(image.pixels.scalars, tensor.scalars)
    XCTAssertEqual(tensor.scalars, [Float](repeating: 0.75, count: 12))
  }

  func testACropIsThatPartOfAnImage() {
    var stream = RandomStream(seed: 1)
    let image = PixelImage(.normal([4, 5, 2], using: &stream))
    let part = image.cropped(to: Region(top: 1, left: 2, size: [2, 3]))
    XCTAssertEqual(
      part.pixels.scalars, image.pixels.cropped(at: [1, 2, 0], shape: [2, 3, 2]).scalars)
  }
}
