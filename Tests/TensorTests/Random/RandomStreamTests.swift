import Foundation
import XCTest

@testable import Tensor

final class RandomStreamTests: XCTestCase {
  /// The known answers of Random123's `philox4x32-10`.
  func testKnownAnswers() {
    let zeros = philox(counter: (0, 0), key: 0)
    XCTAssertEqual(words(zeros), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    let ones = philox(counter: (.max, .max), key: .max)
    XCTAssertEqual(words(ones), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
  }

  private func words(_ block: (UInt64, UInt64)) -> [UInt32] {
    [block.0, block.1].flatMap { [UInt32(truncatingIfNeeded: $0), UInt32($0 >> 32)] }
  }

  func testTheSeedDecidesTheNumbers() {
    var (first, second, other) = (
      RandomStream(seed: 5), RandomStream(seed: 5), RandomStream(seed: 6)
    )
    let numbers = (0..<100).map { _ in first.next() }
    XCTAssertEqual(numbers, (0..<100).map { _ in second.next() })
    XCTAssertTrue(Set(numbers).isDisjoint(with: (0..<100).map { _ in other.next() }))
    XCTAssertEqual(Set(numbers).count, 100)
  }

  func testSplitStreamsShareNoNumbers() {
    var parent = RandomStream(seed: 7)
    var streams = (0..<50).map { parent.split($0) } + [parent.split(), parent.split()]
    streams += [parent]
    let numbers = streams.indices.flatMap { index in (0..<200).map { _ in streams[index].next() } }
    XCTAssertEqual(Set(numbers).count, numbers.count)
  }

  func testSplittingByIndexDoesNotMoveTheStream() {
    var (split, whole) = (RandomStream(seed: 8), RandomStream(seed: 8))
    var children = [split.split(3), split.split(3), split.split(4)]
    XCTAssertEqual(children[0], children[1])
    XCTAssertNotEqual(children[0].next(), children[2].next())
    XCTAssertEqual(split.next(), whole.next())
    XCTAssertNotEqual(split.split(3), children[1], "the split depends on the position")
  }

  func testSplitStreamsAreUncorrelated() {
    let parent = RandomStream(seed: 9)
    var (first, second) = (parent.split(0), parent.split(1))
    let count = 20_000
    let products = (0..<count).map { _ in
      Double((first.uniform() - 0.5) * (second.uniform() - 0.5)) * 12
    }
    XCTAssertEqual(products.reduce(0, +) / Double(count), 0, accuracy: 0.03)
  }

  /// Between two words of one block, where half of it is still to come.
  func testCodableKeepsThePlaceMidStream() throws {
    for draws in 0..<5 {
      var stream = RandomStream(seed: 10)
      for _ in 0..<draws { _ = stream.next() }
      let data = try JSONEncoder().encode(stream)
      var restored = try JSONDecoder().decode(RandomStream.self, from: data)
      XCTAssertEqual(restored, stream)
      XCTAssertEqual(
        (0..<9).map { _ in restored.next() }, (0..<9).map { _ in stream.next() })
    }
  }

  func testAmbientSeed() {
    func draw() -> UInt64 {
      var stream = DefaultGenerator.current.split()
      return stream.next()
    }
    let first = withRandomSeed(3) { [draw(), draw()] }
    XCTAssertEqual(first, withRandomSeed(3) { [draw(), draw()] })
    XCTAssertNotEqual(first[0], first[1])
    XCTAssertNotEqual(draw(), draw())
  }
}
