import XCTest

@testable import Tensor

/// Views of parts and transposes against the elements that they name.
final class MatrixViewTests: XCTestCase {
  private let x = Tensor((0..<24).map(Float.init), shape: [2, 3, 4])

  private func elements(_ view: MatrixView) -> [[Float]] {
    (0..<view.rows).map { row in
      (0..<view.columns).map { column in
        view.isTransposed
          ? view.pointer[column * view.stride + row] : view.pointer[row * view.stride + column]
      }
    }
  }

  func testMatricesOfABatchAndTheirParts() {
    let view = MatrixView(x, at: 1)
    XCTAssertEqual(elements(view), [[12, 13, 14, 15], [16, 17, 18, 19], [20, 21, 22, 23]])
    XCTAssertEqual(elements(view.rows(1..<3)), [[16, 17, 18, 19], [20, 21, 22, 23]])
    XCTAssertEqual(elements(view.columns(1..<3)), [[13, 14], [17, 18], [21, 22]])
    XCTAssertEqual(
      elements(view.transposed), [[12, 16, 20], [13, 17, 21], [14, 18, 22], [15, 19, 23]])
    XCTAssertEqual(elements(view.transposed.rows(1..<3)), [[13, 17, 21], [14, 18, 22]])
    XCTAssertEqual(elements(view.transposed.columns(2..<3)), [[20], [21], [22], [23]])
    XCTAssertEqual(elements(view.columns(1..<3).transposed.columns(1..<3)), [[17, 21], [18, 22]])
    XCTAssertEqual(elements(view.transposed.transposed), elements(view))
  }

  func testBlocksCoverARange() {
    XCTAssertEqual(Array((3..<10).blocks(of: 3)), [3..<6, 6..<9, 9..<10])
    XCTAssertEqual(Array((3..<10).evenBlocks(ofAtMost: 6)), [3..<7, 7..<10])
    XCTAssertEqual(Array((0..<0).blocks(of: 3)), [])
    XCTAssertEqual(Array((0..<0).evenBlocks(ofAtMost: 3)), [])
  }
}
