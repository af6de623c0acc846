import Tensor
import XCTest

@testable import Datasets

final class SubsetTests: XCTestCase {
  /// Ten images of one pixel, whose value is a tenth of the index.
  private let data = LabeledImages(
    images: Tensor((0..<10).map { Float($0) / 10 }, shape: [10, 1, 1, 1]),
    labels: (0..<10).map { $0 % 3 })

  private func values(_ subset: Subset) -> [Float] {
    subset.images(in: 0..<subset.count).scalars
  }

  func testFirstKeepsImagesLabelsAndNames() {
    let part = data.first(4)
    XCTAssertEqual(values(part), [0, 0.1, 0.2, 0.3])
    XCTAssertEqual(part.labels, [0, 1, 2, 0])
    XCTAssertEqual(data.first(1).classNames, ["0", "1", "2"])
    XCTAssertEqual(part.imageShape, [1, 1, 1])
  }

  func testASubsetOfASubsetCountsWithinIt() {
    let part = Subset(Subset(data, indices: [9, 5, 7]), indices: [2, 0])
    XCTAssertEqual(values(part), [0.7, 0.9])
    XCTAssertEqual(part.labels, [1, 0])
  }

  func testSplitCutsInTwo() {
    let (front, back) = data.split(at: 7)
    XCTAssertEqual(front.indices, Array(0..<7))
    XCTAssertEqual(back.indices, [7, 8, 9])
    XCTAssertEqual(data.split(at: 10).1.count, 0)
  }

  func testARandomSplitHasEveryImageOnce() {
    var stream = RandomStream(seed: 1)
    let (front, back) = data.split(at: 4, using: &stream)
    XCTAssertEqual(front.count, 4)
    XCTAssertEqual((front.indices + back.indices).sorted(), Array(0..<10))
    XCTAssertNotEqual(front.indices + back.indices, Array(0..<10))
  }

  func testASampleIsThatOfItsStream() {
    func sample(_ seed: UInt64) -> [Int] {
      var stream = RandomStream(seed: seed)
      return data.sampled(6, using: &stream).indices
    }
    XCTAssertEqual(Set(sample(1)).count, 6)
    XCTAssertEqual(sample(1), sample(1))
    XCTAssertNotEqual(sample(1), sample(2))
  }
}
