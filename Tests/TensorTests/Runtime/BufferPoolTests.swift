import XCTest

@testable import Tensor

final class BufferPoolTests: XCTestCase {
  func testSizeClassesWasteAtMostAnEighth() {
    for byteCount in stride(from: 513, to: 300_000, by: 7) {
      let size = BufferPool.sizeClass(byteCount)
      XCTAssertGreaterThanOrEqual(size, byteCount)
      XCTAssertLessThanOrEqual((size - byteCount) * 8, byteCount, "\(byteCount) bytes")
      XCTAssertEqual(BufferPool.sizeClass(size), size, "a size class is its own size class")
    }
  }

  func testSmallBlocksAreMultiplesOfACacheLine() {
    for byteCount in 0...512 {
      let size = BufferPool.sizeClass(byteCount)
      XCTAssertGreaterThanOrEqual(size, max(1, byteCount))
      XCTAssertLessThanOrEqual(size - byteCount, 64)
      XCTAssertEqual(size % 64, 0)
    }
  }

  func testLikeSizesShareFewClasses() {
    let classes = Set((1 << 20...2 << 20).lazy.map { BufferPool.sizeClass($0) })
    XCTAssertLessThanOrEqual(classes.count, 9)
  }

  func testABlockIsKeptAndUsedAgain() {
    let count = 1_234_567
    func address() -> UnsafePointer<Float> { Tensor.zeros([count]).pointer }
    let first = address()
    XCTAssertEqual(address(), first)
  }

  func testReleaseUnusedKeepsNothing() {
    do { _ = Tensor.zeros([100_000]) }
    XCTAssertGreaterThan(Memory.usage.keptBytes, 0)
    let held = Tensor.arange(5)
    Memory.releaseUnused()
    XCTAssertEqual(Memory.usage.keptBytes, 0)
    XCTAssertEqual(held.scalars, [0, 1, 2, 3, 4])
  }

  func testUsageCountsWhatLives() {
    let before = Memory.usage
    let tensor = Tensor.zeros([1_024])
    XCTAssertEqual(Memory.usage.storages, before.storages + 1)
    XCTAssertEqual(Memory.usage.liveBytes, before.liveBytes + 4_096)
    withExtendedLifetime(tensor) {}
  }

  func testBlocksAreAlignedToVectors() {
    for count in [1, 17, 1_000, 1 << 20] {
      let tensor = Tensor.zeros([count])
      XCTAssertEqual(Int(bitPattern: tensor.pointer) % 64, 0)
    }
  }
}
