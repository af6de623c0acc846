import Tensor
import XCTest

@testable import Datasets

final class LabeledImagesTests: XCTestCase {
  private let floats = LabeledImages(
    images: Tensor((0..<12).map { Float($0) / 11 }, shape: [3, 2, 1, 2]), labels: [2, 0, 2])

  /// All images in order, in parts of the size that is asked for, and without a record.
  func testFeaturesOfAllImages() {
    let data = LabeledImages(
      images: Tensor((0..<11).map { Float($0) / 16 }, shape: [11, 1, 1, 1]))
    for (batchSize, parts) in [
      (nil, [11]), (4, [4, 4, 3]), (11, [11]), (1, [Int](repeating: 1, count: 11)),
    ] {
      var counts: [Int] = []
      let weight = Parameter(.ones([1, 2]))
      let features = data.features(batchSize: batchSize) { images in
        counts.append(images.shape[0])
        return matmul(images.flattened(from: 1), weight.value)
      }
      XCTAssertEqual(counts, parts)
      XCTAssertEqual(features.shape, [11, 2])
      XCTAssertEqual(features.scalars, (0..<22).map { Float($0 / 2) / 16 })
      XCTAssertFalse(features.isTracked)
    }
  }

  func testGivesImagesInTheOrderAskedFor() {
    XCTAssertEqual(floats.count, 3)
    XCTAssertEqual(floats.imageShape, [2, 1, 2])
    let images = floats.images(at: [2, 0, 2])
    XCTAssertEqual(images.shape, [3, 2, 1, 2])
    let elements = [8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]
    XCTAssertEqual(images.scalars, elements.map { Float($0) / 11 })
  }

  func testBytesAndFloatsAreTheSameSet() {
    let bytes: [UInt8] = (0..<24).map { UInt8($0 * 11) }
    let compact = LabeledImages(bytes: bytes, imageShape: [2, 2, 3], labels: [0, 1])
    let wide = LabeledImages(
      images: Tensor(bytes.map { Float($0) / 255 }, shape: [2, 2, 2, 3]), labels: [0, 1])
    for indices in [[0], [1, 0], [0, 1, 1]] {
      XCTAssertEqual(
        compact.images(at: indices).scalars, wide.images(at: indices).scalars, "\(indices)")
    }
    XCTAssertEqual(compact.inMemory().images(in: 0..<2).scalars, wide.images(in: 0..<2).scalars)
  }

  func testClassesAreNumberedUnlessTheyAreNamed() {
    XCTAssertEqual(floats.classNames, ["0", "1", "2"])
    let named = LabeledImages(
      images: .zeros([1, 1, 1, 1]), labels: [0], classNames: ["cat", "dog"])
    XCTAssertEqual(named.classNames, ["cat", "dog"])
  }

  func testImagesNeedNoLabels() {
    let data = LabeledImages(images: .ones([2, 1, 1, 1]))
    XCTAssertEqual(data.count, 2)
    XCTAssertEqual(data.labels, [])
    XCTAssertEqual(data.classNames, [])
    XCTAssertEqual(data.first(1).labels, [])
  }

  func testNoIndicesGiveAnEmptyBatch() {
    XCTAssertEqual(floats.images(at: []).shape, [0, 2, 1, 2])
  }

  func testStatisticsAreThoseOfEachChannel() {
    // Channel 0 holds 0, 2, …, 10 and channel 1 holds 1, 3, …, 11, over 11: variance 35/3/121.
    let statistics = floats.channelStatistics()
    let deviation = Float(35.0 / 3).squareRoot() / 11
    XCTAssertEqual(statistics.mean[0], 5 / 11, accuracy: 1e-6)
    XCTAssertEqual(statistics.mean[1], 6 / 11, accuracy: 1e-6)
    XCTAssertEqual(statistics.standardDeviation[0], deviation, accuracy: 1e-6)
    XCTAssertEqual(statistics.standardDeviation[1], deviation, accuracy: 1e-6)
  }
}
