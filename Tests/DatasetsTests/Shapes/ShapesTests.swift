import Tensor
import XCTest

@testable import Datasets

final class ShapesTests: XCTestCase {
  func testAnImageIsAFunctionOfSeedAndIndexAlone() {
    let threadCount = Threads.count
    defer { Threads.count = threadCount }
    for difficulty in Shapes.Difficulty.allCases {
      let all = Shapes(count: 40, difficulty: difficulty, seed: 3).images(in: 0..<40).scalars
      let size = all.count / 40
      for threads in [1, 2, 3] {
        Threads.count = threads
        let order = [17, 3, 39, 17]
        let some = Shapes(count: 64, difficulty: difficulty, seed: 3).images(at: order).scalars
        XCTAssertEqual(some, order.flatMap { all[($0 * size)..<(($0 + 1) * size)] })
      }
    }
  }

  func testSeedsAndIndicesGiveDifferentImages() {
    let images = Shapes(count: 21, seed: 0).images(at: [0, 10, 20]).scalars
    let others = Shapes(count: 21, seed: 1).images(at: [0, 10, 20]).scalars
    XCTAssertEqual(Set(images.chunks(of: 32 * 32 * 3) + others.chunks(of: 32 * 32 * 3)).count, 6)
  }

  func testEveryClassComesEquallyOften() {
    let data = Shapes(count: 1_000)
    XCTAssertEqual(data.classNames.count, 10)
    XCTAssertEqual(Set(data.classNames).count, 10)
    for label in 0..<10 { XCTAssertEqual(data.labels.count { $0 == label }, 100) }
  }

  func testImagesHaveTheShapeAndRangeTheyShould() {
    for (size, difficulty) in [(32, Shapes.Difficulty.moderate), (17, .hard), (8, .moderate)] {
      let data = Shapes(count: 50, size: size, difficulty: difficulty)
      let images = data.images(in: 0..<50)
      XCTAssertEqual(images.shape, [50, size, size, 3])
      XCTAssertTrue(images.scalars.allSatisfy { $0 >= 0 && $0 <= 1 })
    }
  }

  /// Were there a preferred colour, or of hard ones a polarity, a pixel would give away where the shape
  /// is. The background of moderate ones, which is most of an image, is dark.
  func testNoColourIsPreferred() {
    for (difficulty, brightness) in [(Shapes.Difficulty.moderate, Float(0.3)), (.hard, 0.5)] {
      let statistics = Shapes(count: 2_000, difficulty: difficulty).channelStatistics()
      for mean in statistics.mean { XCTAssertEqual(mean, brightness, accuracy: 0.05) }
      for deviation in statistics.standardDeviation { XCTAssertGreaterThan(deviation, 0.2) }
    }
  }

  /// Neighbours by pixels find the class of one image in three; 0.1 would be chance.
  func testPixelsAreAPoorGuideToTheClass() {
    let moderate = neighbourAccuracy(.moderate)
    XCTAssertLessThan(moderate, 0.4)
    XCTAssertLessThan(neighbourAccuracy(.hard), moderate)
  }

  /// The accuracy of the nearest of 1,000 images by cosine, for 200 others.
  private func neighbourAccuracy(_ difficulty: Shapes.Difficulty) -> Float {
    let bank = Shapes(count: 1_000, size: 16, difficulty: difficulty, seed: 0)
    let queries = Shapes(count: 200, size: 16, difficulty: difficulty, seed: 1)
    let rows = unitRows(bank)
    let hits = zip(unitRows(queries), queries.labels).count { query, label in
      let cosines = rows.map { row in zip(row, query).reduce(0) { $0 + $1.0 * $1.1 } }
      let nearest = cosines.indices.max { cosines[$0] < cosines[$1] } ?? 0
      return bank.labels[nearest] == label
    }
    return Float(hits) / Float(queries.count)
  }

  private func unitRows(_ data: Shapes) -> [[Float]] {
    data.images(in: 0..<data.count).scalars.chunks(of: data.imageShape.elementCount).map { row in
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return row.map { $0 / norm }
    }
  }
}

extension [Float] {
  /// This array cut into pieces of `size`.
  fileprivate func chunks(of size: Int) -> [[Float]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<($0 + size)]) }
  }
}
