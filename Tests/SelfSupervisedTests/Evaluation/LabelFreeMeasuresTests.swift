import Foundation
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// The measures without labels beside numpy's, as Fixtures/label_free_measures.py has them.
final class LabelFreeMeasuresTests: XCTestCase {
  private let (count, width) = (60, 12)

  private func view(_ name: String, _ noise: Float = 0.5) -> Tensor {
    let shape: TensorShape = [count, width]
    let shared = Tensor(Formula.centred("images", count * width), shape: shape)
    return shared + noise * Tensor(Formula.centred(name, count * width), shape: shape)
  }

  private func expected() throws -> [String: Float] {
    let path =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().path + "/Fixtures/label-free-measures.json"
    return try JSONDecoder().decode(
      [String: Float].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  func testMeasuresAreNumpys() throws {
    let expected = try expected()
    let views = (0..<4).map { view("view\($0)") }
    let turned = (0..<4).map { view("turned\($0)") + 0.4 * Float($0) }
    let found: [(String, Float, Float)] = [
      // Sums of some thousand terms in single precision; LiDAR divides by covariances as small as
      // a tenth of the features'.
      ("alignment", alignment(views[0], views[1]), 1e-5),
      ("uniformity", uniformity(views[0]), 1e-5),
      ("effective_rank", effectiveRank(views[0], mostRows: count), 1e-3),
      ("lidar", lidar(views), 1e-3),
      (
        "neighbor_overlap",
        neighborOverlap(
          nearestNeighbors(of: views[0], k: 5), nearestNeighbors(of: views[1], k: 5)), 1e-5
      ),
      // An answer of 120 that lies on a border may fall to the other side.
      ("rotation_accuracy", rotationAccuracy(turned), 0.017),
    ]
    XCTAssertEqual(found.count, expected.count)
    for (name, value, accuracy) in found {
      XCTAssertEqual(value, try XCTUnwrap(expected[name]), accuracy: accuracy, name)
    }
  }

  func testCollapsedFeaturesAreAligned() {
    let same = Tensor.ones([8, 4])
    XCTAssertEqual(alignment(same, same), 0, accuracy: 1e-6)
    XCTAssertEqual(uniformity(same), 0, accuracy: 1e-5)
    // All are as near as each other: the neighbors of a row are others.
    for (row, neighbors) in nearestNeighbors(of: same, k: 3).enumerated() {
      XCTAssertEqual(neighbors.count, 3)
      XCTAssertFalse(neighbors.contains(row))
    }
  }

  func testOppositeFeaturesAreFarApart() {
    let features = Tensor([1, 0, -1, 0], shape: [2, 2])
    XCTAssertEqual(uniformity(features), -8, accuracy: 1e-5)
    XCTAssertEqual(alignment(features, -features), 4, accuracy: 1e-5)
  }

  func testNeighborsOfALineAreTheNextOnes() {
    // Points on a quarter of a circle: the cosine falls with the distance along it.
    let angles = (0..<6).map { Float($0) * 0.2 }
    let features = Tensor(angles.flatMap { [cosf($0), sinf($0)] }, shape: [6, 2])
    XCTAssertEqual(nearestNeighbors(of: features, k: 1)[0], [1])
    XCTAssertEqual(Set(nearestNeighbors(of: features, k: 2)[3]), [2, 4])
    XCTAssertEqual(nearestNeighbors(of: features, k: 20)[5], [4, 3, 2, 1, 0])
  }

  /// Against cosines by hand, also where there are fewer rows than neighbors asked for.
  func testNeighborsAmongOtherRows() {
    let (queries, bank) = (formula("queries", [5, 4]), formula("bank", [7, 4]))
    for k in [3, 20] {
      for (row, found) in nearestNeighbors(of: queries, among: bank, k: k).enumerated() {
        let cosines = (0..<7).map { other -> Float in
          let (a, b) = (queries[row], bank[other])
          return (a * b).sum().item
            / (square(a).sum().item * square(b).sum().item).squareRoot()
        }
        let expected = (0..<7).sorted { cosines[$0] > cosines[$1] }.prefix(k)
        XCTAssertEqual(found.indices, Array(expected))
        for (index, similarity) in zip(found.indices, found.similarities) {
          XCTAssertEqual(similarity, cosines[index], accuracy: 1e-6)
        }
      }
    }
  }

  func testOverlapCountsWhatIsShared() {
    XCTAssertEqual(neighborOverlap([[1, 2], [0, 2]], [[2, 1], [3, 4]]), 0.5)
  }

  /// Views without noise tell images apart in all directions, as far as their covariance is even.
  func testLidarOfWideFeaturesIsFinite() {
    let wide = (0..<2).map { view in
      Tensor(Formula.centred("wide\(view)", 20 * 700), shape: [20, 700])
    }
    let rank = lidar(wide)
    XCTAssertTrue((1...20).contains(rank), "\(rank)")
    XCTAssertTrue(lidar([wide[0] * .nan, wide[1]]).isNaN)
  }
}
