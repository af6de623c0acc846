import Dispatch
import Files
import Foundation
import Synchronization
import Tensor
import TestSupport
import XCTest

@testable import Images

/// Memory and work of hostile pictures.
final class DecodingLimitsTests: XCTestCase {
  func testPicturesWaitUntilThereIsRoom() {
    let memory = DecodingMemory(capacity: 100)
    let live = Mutex(0)
    let most = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 64) { index in
      let count = [10, 40, 60, 1_000][index % 4]
      let permit = memory.permit(for: count)
      let now = live.withLock {
        $0 += min(count, 100)
        return $0
      }
      most.withLock { $0 = max($0, now) }
      usleep(200)
      live.withLock { $0 -= min(count, 100) }
      withExtendedLifetime(permit) {}
    }
    XCTAssertLessThanOrEqual(most.withLock { $0 }, 100)
    XCTAssertEqual(live.withLock { $0 }, 0)
    // All of the room is back.
    withExtendedLifetime(memory.permit(for: 100)) {}
  }

  func testADamagedPictureGivesItsRoomBack() throws {
    let files = try TemporaryFiles(for: self)
    let path = try files.write(
      Array(PictureFixtures.bytes("color.png").prefix(600)), to: "cut.png")
    for _ in 0..<50 { XCTAssertThrowsError(try Picture(path: RawPath(path))) }
    withExtendedLifetime(DecodingMemory.shared.permit(for: .max)) {}
  }

  /// 178,956,970 pixels of red, green, blue and one more byte are 716 MB.
  func testTwoPicturesAtTheLimitAreNotDecodedAtOnce() {
    var first: DecodingMemory.Permit? = DecodingMemory.shared.permit(
      for: 4 * PictureFile.mostPixels)
    let isSecond = Mutex(false)
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      let second = DecodingMemory.shared.permit(for: 4 * PictureFile.mostPixels)
      isSecond.withLock { $0 = true }
      withExtendedLifetime(second) { _ = done.signal() }
    }
    usleep(50_000)
    withExtendedLifetime(first) { XCTAssertFalse(isSecond.withLock { $0 }) }
    first = nil
    XCTAssertEqual(done.wait(timeout: .now() + 10), .success)
    XCTAssertTrue(isSecond.withLock { $0 })
  }

  /// Each chunk that is left out must not move all that follow.
  func testManyChunksThatAreLeftOut() throws {
    let whole = try PictureFixtures.bytes("color.png")
    let chunk: [UInt8] = [0, 0, 0, 0] + Array("gAMA".utf8) + [1, 2, 3, 4]
    let chunks = Data([[UInt8]](repeating: chunk, count: 300_000).joined())
    let start = ContinuousClock.now
    let kept = LibPNG.withoutColorSpace(Data(whole[..<33]) + chunks + Data(whole[33...]))
    XCTAssertEqual(kept, Data(whole))
    XCTAssertLessThan(ContinuousClock.now - start, .seconds(5))
  }

  /// Twenty scans over the most pixels are the most work.
  func testManyScansOfALargePicture() throws {
    let files = try TemporaryFiles(for: self)
    var bytes = try PictureFixtures.bytes("progressive.JPEG")
    let frame = try XCTUnwrap(bytes.indices.first { bytes[$0] == 0xff && bytes[$0 + 1] == 0xc2 })
    // Height and width are behind the marker, the length and the precision.
    bytes.replaceSubrange(frame + 5..<frame + 9, with: [0x34, 0x41, 0x34, 0x41])
    let scans = [[UInt8]](repeating: [0xff, 0xda], count: 20).joined()
    let path = try files.write(bytes.dropLast(2) + scans + [0xff, 0xd9], to: "scans.jpg")
    XCTAssertThrowsError(try Picture(path: RawPath(path))) {
      XCTAssertTrue(
        "\($0)".contains("needs fewer scans for a picture of 13377x13377 pixels; got "), "\($0)")
    }
  }
}
