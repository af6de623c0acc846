import Foundation
import Tensor
import XCTest

final class DistributionTests: XCTestCase {
  private let count = 200_000

  func testUniformMoments() {
    var stream = RandomStream(seed: 20)
    let values = Tensor.uniform([count], in: -1..<3, using: &stream).scalars.map(Double.init)
    XCTAssertTrue(values.allSatisfy { $0 >= -1 && $0 < 3 })
    // Mean 1, variance 4² / 12, fourth moment about the mean 4⁴ / 80.
    XCTAssertEqual(moment(values, about: 0, 1), 1, accuracy: 0.01)
    XCTAssertEqual(moment(values, about: 1, 2), 4.0 / 3, accuracy: 0.01)
    XCTAssertEqual(moment(values, about: 1, 4), 3.2, accuracy: 0.04)
  }

  func testNormalMoments() {
    var stream = RandomStream(seed: 21)
    let values = Tensor.normal([count], mean: 2, standardDeviation: 3, using: &stream)
      .scalars.map(Double.init)
    let standard = values.map { ($0 - 2) / 3 }
    XCTAssertEqual(moment(standard, about: 0, 1), 0, accuracy: 0.01)
    XCTAssertEqual(moment(standard, about: 0, 2), 1, accuracy: 0.01)
    XCTAssertEqual(moment(standard, about: 0, 3), 0, accuracy: 0.03)
    XCTAssertEqual(moment(standard, about: 0, 4), 3, accuracy: 0.1)
    let neighbours = zip(standard, standard.dropFirst()).map(*)
    XCTAssertEqual(neighbours.reduce(0, +) / Double(count), 0, accuracy: 0.01)
  }

  func testChanceAndIntegers() {
    var stream = RandomStream(seed: 22)
    let hits = (0..<count).filter { _ in stream.bernoulli(0.3) }.count
    XCTAssertEqual(Double(hits) / Double(count), 0.3, accuracy: 0.005)
    var counts = [Int](repeating: 0, count: 5)
    for _ in 0..<count { counts[stream.integer(in: 0..<5)] += 1 }
    for tally in counts { XCTAssertEqual(Double(tally) / Double(count), 0.2, accuracy: 0.005) }
    XCTAssertFalse(stream.bernoulli(0))
    XCTAssertTrue(stream.bernoulli(1))
  }

  func testClosedRangeMayBeAPoint() {
    var stream = RandomStream(seed: 23)
    XCTAssertEqual(stream.uniform(in: 2...2), 2)
    XCTAssertTrue((2...2.5).contains(stream.uniform(in: 2...2.5)))
  }

  func testPermutationHoldsEachNumberOnce() {
    var stream = RandomStream(seed: 24)
    let order = stream.permutation(100)
    XCTAssertEqual(order.sorted(), Array(0..<100))
    XCTAssertNotEqual(order, Array(0..<100))
    XCTAssertEqual(stream.permutation(0), [])
  }

  private func moment(_ values: [Double], about centre: Double, _ order: Int) -> Double {
    values.reduce(0) { $0 + pow($1 - centre, Double(order)) } / Double(values.count)
  }
}
