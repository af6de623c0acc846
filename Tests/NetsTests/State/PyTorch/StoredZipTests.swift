import Foundation
import XCTest

@testable import Nets

/// Archives beyond 4 GB or 65,535 files, whose numbers have 64 bits (APPNOTE.TXT 4.3.14 to 4.5.3),
/// in small.
final class StoredZipTests: XCTestCase {
  private func bytes(_ number: UInt64, _ count: Int) -> Data {
    Data((0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
  }

  private func joined(_ parts: Data...) -> Data { Data(parts.joined()) }

  /// An archive of one file, whose sizes and place are given in the ways that `large` asks for.
  private func archive(
    _ name: String, _ contents: Data, largeSizes: Bool, largePlace: Bool, largeEnd: Bool
  ) -> Data {
    let all = UInt64(UInt32.max)
    let size = UInt64(contents.count)
    let sizes = bytes(largeSizes ? all : size, 4)
    let length = bytes(UInt64(name.utf8.count), 2)
    // Something before the file, so that its place is not 0.
    var archive = Data("PK\u{3}\u{4}".utf8) + Data(count: 60)
    let place = UInt64(archive.count)
    archive += joined(
      bytes(0x0403_4b50, 4), Data(count: 10), bytes(0, 4), sizes, sizes, length, bytes(0, 2),
      Data(name.utf8), contents)
    let numbers = joined(
      largeSizes ? joined(bytes(size, 8), bytes(size, 8)) : Data(),
      largePlace ? bytes(place, 8) : Data())
    // A field of another kind comes first.
    let other = joined(bytes(0x4246, 2), bytes(3, 2), Data(count: 3))
    let extra =
      numbers.isEmpty
      ? other : joined(other, bytes(1, 2), bytes(UInt64(numbers.count), 2), numbers)
    let directory = joined(
      bytes(0x0201_4b50, 4), Data(count: 12), bytes(0, 4), sizes, sizes, length,
      bytes(UInt64(extra.count), 2), bytes(0, 2), Data(count: 8),
      bytes(largePlace ? all : place, 4), Data(name.utf8), extra)
    let start = UInt64(archive.count)
    archive += directory
    if largeEnd {
      let end = UInt64(archive.count)
      archive += joined(
        bytes(0x0606_4b50, 4), bytes(44, 8), Data(count: 12), bytes(1, 8), bytes(1, 8),
        bytes(UInt64(directory.count), 8), bytes(start, 8))
      archive += joined(bytes(0x0706_4b50, 4), bytes(0, 4), bytes(end, 8), bytes(1, 4))
    }
    let count = bytes(largeEnd ? 0xffff : 1, 2)
    return joined(
      archive, bytes(0x0605_4b50, 4), bytes(0, 4), count, count,
      bytes(UInt64(directory.count), 4), bytes(largeEnd ? all : start, 4), bytes(0, 2))
  }

  func testNumbersOf64Bits() throws {
    let contents = Data("numbers".utf8)
    for combination in 0..<8 {
      let file = archive(
        "a/data/0", contents, largeSizes: combination & 1 > 0, largePlace: combination & 2 > 0,
        largeEnd: combination & 4 > 0)
      let zip = try StoredZip(file)
      XCTAssertEqual(Array(zip.ranges.keys), ["a/data/0"])
      XCTAssertEqual(zip.ranges["a/data/0"].map { file[$0] }, contents, "\(combination)")
    }
  }

  /// Cut or changed anywhere, such a file is an error or what it was, and never a trap.
  func testDamage() {
    let file = archive(
      "a/data/0", Data("numbers".utf8), largeSizes: true, largePlace: true, largeEnd: true)
    for place in file.indices {
      XCTAssertThrowsError(try StoredZip(file.prefix(place)))
      var changed = file
      changed[place] = 0xff
      if let zip = try? StoredZip(changed) {
        XCTAssertTrue(zip.ranges.values.allSatisfy { $0.upperBound <= file.count })
      }
    }
  }
}
