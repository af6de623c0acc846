import Tensor
import XCTest

@testable import Datasets

final class ConcatenatedDatasetTests: XCTestCase {
  private func images(_ values: [Float], labels: [Int] = [], _ names: [String]? = nil)
    -> LabeledImages
  {
    LabeledImages(
      images: Tensor(values, shape: [values.count, 1, 1, 1]), labels: labels, classNames: names)
  }

  func testImagesComeOneSetBehindTheOther() {
    let all = ConcatenatedDataset([images([0, 0.1]), images([]), images([0.2, 0.3, 0.4])])
    XCTAssertEqual(all.count, 5)
    XCTAssertEqual(all.images(in: 0..<5).scalars, [0, 0.1, 0.2, 0.3, 0.4])
    XCTAssertEqual(all.images(at: [4, 0, 2, 2, 1]).scalars, [0.4, 0, 0.2, 0.2, 0.1])
    XCTAssertEqual(all.labels, [])
  }

  func testLabelsNeedTheSameClasses() {
    let first = images([0, 1], labels: [1, 0], ["cat", "dog"])
    let same = images([1], labels: [1], ["cat", "dog"])
    let both = ConcatenatedDataset([first, same])
    XCTAssertEqual(both.labels, [1, 0, 1])
    XCTAssertEqual(both.classNames, ["cat", "dog"])
    let other = images([1], labels: [0], ["cat", "owl"])
    for second in [other, images([1])] {
      XCTAssertEqual(ConcatenatedDataset([first, second]).labels, [])
      XCTAssertEqual(ConcatenatedDataset([first, second]).classNames, [])
    }
  }

  func testWordsAreOf65535() {
    let images = LabeledImages(words: [0, 65_535, 13_107, 1], imageShape: [1, 2, 1])
    XCTAssertEqual(images.count, 2)
    let values: [Float] = [0, 1, 0.2, 1 / 65_535]
    XCTAssertEqual(images.images(in: 0..<2).scalars, values)
  }
}
