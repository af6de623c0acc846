import Tensor
import XCTest

final class Size2DTests: XCTestCase {
  func testLiteralsAndDescription() {
    let (square, oblong): (Size2D, Size2D) = (32, [64, 96])
    XCTAssertEqual(square, Size2D(height: 32, width: 32))
    XCTAssertEqual(square, Size2D(32))
    XCTAssertEqual(oblong, Size2D(height: 64, width: 96))
    XCTAssertEqual("\(oblong)", "64x96")
  }

  /// Arguments take numbers, pairs and sizes, written out, in variables or mixed.
  func testWhatStandsForASize() {
    let (side, pair, size) = (2, [2, 2], Size2D(2))
    let images = Tensor.arange(2 * 6 * 6 * 3).reshaped([2, 6, 6, 3])
    let expected = averagePool(images, window: 2, stride: 2).scalars
    for window in [side, pair, size] as [any Size2DConvertible] {
      XCTAssertEqual(window.size2D, size)
      XCTAssertEqual(averagePool(images, window: window).scalars, expected)
    }
    XCTAssertEqual(averagePool(images, window: side, stride: pair).scalars, expected)
    XCTAssertEqual(averagePool(images, window: [side, 2], stride: size).scalars, expected)
    XCTAssertEqual(resized(images, to: side + 1).shape, [2, 3, 3, 3])
    XCTAssertEqual(resized(images, to: [side, 5]).shape, [2, 2, 5, 3])
    let weight = Tensor.ones([4, 3, 3, 3])
    XCTAssertEqual(convolution(images, weight, stride: side, padding: [1, 0]).shape, [2, 3, 2, 4])
  }
}
