import Tensor
import XCTest

@testable import Images

final class ImageGridTests: XCTestCase {
  func testImagesLieBelowAndBesideEachOtherOnWhite() {
    let color = PixelImage(Tensor([0, 0.25, 0.5, 0.75, 0, 1], shape: [1, 2, 3]))
    let grey = PixelImage(Tensor([0.125], shape: [1, 1, 1]))
    let grid = ImageGrid(columns: [[color, grey], [grey]], magnification: 2, gap: 1).image
    // Rooms of 2 x 4 pixels and lines of one between them.
    XCTAssertEqual(grid.size, Size2D(height: 2 * (2 + 1) + 1, width: 2 * (4 + 1) + 1))
    XCTAssertEqual(grid.channels, 3)
    func pixel(_ y: Int, _ x: Int) -> [Float] { (0..<3).map { grid[y, x, $0] } }
    for y in 0..<7 {
      for x in 0..<11 {
        var wanted: [Float] = [1, 1, 1]
        if (1...2).contains(y), (1...2).contains(x) { wanted = [0, 0.25, 0.5] }
        if (1...2).contains(y), (3...4).contains(x) { wanted = [0.75, 0, 1] }
        if (1...2).contains(y), (6...7).contains(x) { wanted = [0.125, 0.125, 0.125] }
        if (4...5).contains(y), (1...2).contains(x) { wanted = [0.125, 0.125, 0.125] }
        XCTAssertEqual(pixel(y, x), wanted, "\(y), \(x)")
      }
    }
  }
}
