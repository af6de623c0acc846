import Tensor
import XCTest

@testable import Datasets

final class DataLoaderTests: XCTestCase {
  /// Eleven images of one pixel, whose value is the index over 16.
  private let data = LabeledImages(
    images: Tensor((0..<11).map { Float($0) / 16 }, shape: [11, 1, 1, 1]),
    labels: (0..<11).map { $0 % 4 })

  func testUnshuffledBatchesFollowTheSet() {
    let loader = DataLoader(data, batchSize: 4)
    let batches = loader.epoch(0)
    XCTAssertEqual(loader.batchCount, 3)
    XCTAssertEqual(batches.map(\.indices), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]])
    XCTAssertEqual(batches.map(\.indices), loader.epoch(5).map(\.indices))
  }

  func testImagesAndLabelsBelongToTheIndices() {
    for batch in DataLoader(data, batchSize: 3, shuffled: true).epoch(2) {
      XCTAssertEqual(batch.images.shape, [batch.indices.count, 1, 1, 1])
      XCTAssertEqual(batch.images.scalars, batch.indices.map { Float($0) / 16 })
      XCTAssertEqual(batch.labels, batch.indices.map { $0 % 4 })
    }
  }

  func testAShuffledEpochHasEveryImageOnce() {
    for epoch in 0..<5 {
      let order = DataLoader(data, batchSize: 4, shuffled: true).epoch(epoch).flatMap(\.indices)
      XCTAssertEqual(order.sorted(), Array(0..<11))
      XCTAssertNotEqual(order, Array(0..<11))
    }
  }

  /// One epoch after the other, from any step on.
  func testBatchesGoThroughAllEpochs() {
    let loader = DataLoader(data, batchSize: 4, shuffled: true, seed: 3)
    let expected = (0..<4).flatMap { loader.epoch($0).map(\.indices) }
    XCTAssertEqual(zip(0..<12, loader.batches()).map(\.1.indices), expected)
    for step in [1, 3, 7, 11] {
      XCTAssertEqual(
        zip(step..<12, loader.batches(from: step)).map(\.1.indices), Array(expected[step...]))
    }
  }

  func testBatchesMadeAheadAreTheSame() {
    let loader = DataLoader(data, batchSize: 4, shuffled: true, seed: 3)
    let expected = (0..<14).map { loader.batch(at: $0) }
    for ahead in [1, 2, 4] {
      for first in [0, 5] {
        for (batch, wanted) in zip(loader.batches(from: first, ahead: ahead), expected[first...]) {
          XCTAssertEqual(batch.indices, wanted.indices)
          XCTAssertEqual(batch.labels, wanted.labels)
          XCTAssertEqual(batch.images.scalars, wanted.images.scalars)
        }
      }
    }
  }

  func testDroppingTheLastLeavesWholeBatches() {
    let loader = DataLoader(data, batchSize: 4, shuffled: true, dropsLast: true)
    XCTAssertEqual(loader.batchCount, 2)
    XCTAssertEqual(loader.epoch(0).map(\.indices.count), [4, 4])
    XCTAssertEqual(DataLoader(data, batchSize: 11, dropsLast: true).batchCount, 1)
    XCTAssertEqual(DataLoader(data, batchSize: 12).batchCount, 1)
  }

  func testTheOrderIsAFunctionOfSeedAndEpochAlone() {
    func order(_ seed: UInt64, _ epoch: Int, batchSize: Int = 4) -> [Int] {
      DataLoader(data, batchSize: batchSize, shuffled: true, seed: seed).epoch(epoch)
        .flatMap(\.indices)
    }
    XCTAssertEqual(order(0, 3), order(0, 3))
    XCTAssertEqual(order(0, 3), order(0, 3, batchSize: 5), "batches cut the same order")
    XCTAssertNotEqual(order(0, 3), order(0, 4))
    XCTAssertNotEqual(order(0, 3), order(1, 3))
  }

  func testAnEpochCanBeEnteredInTheMiddle() {
    let loader = DataLoader(data, batchSize: 2, shuffled: true, seed: 9)
    XCTAssertEqual(
      loader.epoch(1).dropFirst(3).map(\.indices), Array(loader.epoch(1).map(\.indices)[3...]))
  }

  func testUnlabeledImagesMakeUnlabeledBatches() throws {
    let loader = DataLoader(LabeledImages(images: .ones([3, 1, 1, 1])), batchSize: 2)
    XCTAssertEqual(loader.epoch(0).map(\.labels), [[], []])
  }
}
