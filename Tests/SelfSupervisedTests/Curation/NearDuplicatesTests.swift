import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class NearDuplicatesTests: XCTestCase {
  /// Smooth random pictures of three channels, [count, 40, 40, 3].
  private func pictures(_ count: Int, seed: UInt64) -> Tensor {
    var stream = RandomStream(seed: seed)
    let coarse = Tensor.uniform([count, 6, 6, 3], in: 0.1..<0.7, using: &stream)
    return resized(coarse, to: 40)
  }

  private func pairs(_ found: [NearDuplicate]) -> [[Int]] { found.map { [$0.first, $0.second] } }

  func testCopiesOfSomePicturesAreFound() {
    let originals = pictures(40, seed: 1)
    var stream = RandomStream(seed: 2)
    let darker = originals[0..<3] * 0.7
    let cut = resized(originals[3..<6].cropped(at: [0, 2, 0, 0], shape: [3, 38, 38, 3]), to: 40)
    let noise = Tensor.uniform([3, 40, 40, 3], in: -0.03..<0.03, using: &stream)
    let lighter = minimum(originals[9..<12] + 0.25, .full(1, [1]))
    let all = concatenated([originals, darker, cut, originals[6..<9] + noise, lighter])
    let found = nearDuplicates(of: all)
    XCTAssertEqual(Set(pairs(found)), Set((0..<12).map { [$0, 40 + $0] }))
    XCTAssertEqual(found.map(\.difference), found.map(\.difference).sorted())
  }

  func testPicturesThatAreAlikeAreNoCopies() {
    // One background, and a disc of another color and place in each.
    let count = 30
    var stream = RandomStream(seed: 3)
    let colors = Tensor.uniform([count, 3], in: 0..<1, using: &stream).scalars
    let places = Tensor.uniform([count, 2], in: 8..<24, using: &stream).scalars
    let images = Tensor(
      (0..<count * 32 * 32).flatMap { pixel -> [Float] in
        let (index, row, column) = (pixel / 1_024, pixel / 32 % 32, pixel % 32)
        let (x, y) = (Float(column) - places[2 * index], Float(row) - places[2 * index + 1])
        return x * x + y * y < 36
          ? Array(colors[3 * index..<3 * index + 3]) : [0.2, 0.4, Float(row) / 64]
      }, shape: [count, 32, 32, 3])
    XCTAssertEqual(pairs(nearDuplicates(of: images)), [])
    XCTAssertEqual(
      pairs(nearDuplicates(of: concatenated([images, images[4..<5]]))), [[4, count]])
  }

  func testFeaturesBringCandidates() {
    let originals = pictures(30, seed: 4)
    let all = concatenated([originals, originals[7..<8]])
    var stream = RandomStream(seed: 5)
    let features = Tensor.normal([31, 8], using: &stream)
    XCTAssertEqual(pairs(nearDuplicates(of: all, features: features)), [[7, 30]])
  }

  func testOneColorIsLikeItself() {
    let flat = concatenated([Tensor.full(0.5, [2, 40, 40, 3]), pictures(8, seed: 6)])
    XCTAssertEqual(pairs(nearDuplicates(of: flat)), [[0, 1]])
  }

  /// Least squares, against the solution of two equations by hand.
  func testNormalEquations() {
    var equations = NormalEquations(unknowns: 2)
    for (x, y) in [(0.0, 1.0), (1.0, 3.5), (2.0, 4.5), (4.0, 9.5)] { equations.add([x, 1], y) }
    // slope = (4 Σxy - Σx Σy) / (4 Σx² - (Σx)²) = 72.5 / 35; intercept = (Σy - slope Σx) / 4 = 1.
    let solution = equations.solution ?? []
    XCTAssertEqual(solution.count, 2)
    XCTAssertEqual(solution[0], 72.5 / 35, accuracy: 1e-4)
    XCTAssertEqual(solution[1], 1, accuracy: 1e-4)
  }
}
