import Files
import Foundation
import Synchronization
import TestSupport
import XCTest

@testable import Datasets

final class DecodedCacheTests: XCTestCase {
  func testTheCacheGivesTheSameImagesUntilAPictureChanges() throws {
    let files = try TemporaryFiles(for: self)
    try FileManager.default.createDirectory(
      atPath: files.path("in"), withIntermediateDirectories: true)
    for name in ["color.jpg", "grey.png", "transparent.png"] {
      try files.write(PictureFixtures.bytes(name), to: "in/\(name)")
    }
    try files.write([1, 2, 3], to: "in/damaged.png")
    let decoded = Mutex(0)
    func load(size: Int = 8) throws -> (bytes: [Float], told: [String], decoded: Int) {
      decoded.withLock { $0 = 0 }
      var told: [String] = []
      let images = try ImageFolder.load(
        ImageFolder.contents(of: files.path("in")), imageSize: [size, size],
        cache: files.path("cache"), onDecodingError: { told.append("\($0)") },
        progress: { _ in decoded.withLock { $0 += 1 } })
      XCTAssertEqual(images.transparentCount, 1)
      return (images.images(in: 0..<images.count).scalars, told, decoded.withLock { $0 })
    }
    let first = try load()
    XCTAssertEqual(first.decoded, 4)
    XCTAssertEqual(first.told.count, 1)
    let second = try load()
    XCTAssertEqual(second.decoded, 0)
    XCTAssertEqual(second.bytes, first.bytes)
    XCTAssertEqual(second.told, first.told)
    // Another size is another file, a changed picture makes the file anew.
    XCTAssertEqual(try load(size: 9).decoded, 4)
    XCTAssertEqual(try load().decoded, 0)
    try files.write(PictureFixtures.bytes("color.png"), to: "in/damaged.png")
    let third = try load()
    XCTAssertEqual(third.decoded, 4)
    XCTAssertEqual(third.told, [])
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: files.path("cache")).count, 2)
  }

  /// A picture that could not be opened may be there the next time; nothing would say that it is.
  func testWhatIsNoPicturesFaultIsNotKept() throws {
    let files = try TemporaryFiles(for: self)
    try FileManager.default.createDirectory(
      atPath: files.path("in"), withIntermediateDirectories: true)
    for name in ["a.png", "b.png"] {
      try files.write(PictureFixtures.bytes("color.png"), to: "in/\(name)")
    }
    let contents = try ImageFolder.contents(of: files.path("in"))
    try FileManager.default.moveItem(atPath: files.path("in/b.png"), toPath: files.path("b.png"))
    func load() throws -> Int {
      try ImageFolder.load(
        contents, imageSize: 8, cache: files.path("cache"), onDecodingError: { _ in }
      ).count
    }
    XCTAssertEqual(try load(), 1)
    try FileManager.default.moveItem(atPath: files.path("b.png"), toPath: files.path("in/b.png"))
    XCTAssertEqual(try load(), 2)
  }

  func testADamagedCacheIsMadeAnew() throws {
    let files = try TemporaryFiles(for: self)
    try FileManager.default.createDirectory(
      atPath: files.path("in"), withIntermediateDirectories: true)
    try files.write(PictureFixtures.bytes("color.png"), to: "in/a.png")
    func load() throws -> [Float] {
      try ImageFolder.load(
        ImageFolder.contents(of: files.path("in")), imageSize: 8, cache: files.path("cache")
      ).images(at: [0]).scalars
    }
    let images = try load()
    let name = try XCTUnwrap(
      try FileManager.default.contentsOfDirectory(atPath: files.path("cache")).first)
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: files.path("cache/\(name)"))))
    for damaged in [[], Array(bytes.dropLast()), bytes + [0], [10], Array(bytes.dropFirst(9))] {
      try files.write(damaged, to: "cache/\(name)")
      XCTAssertEqual(try load(), images)
      XCTAssertEqual(
        try Data(contentsOf: URL(fileURLWithPath: files.path("cache/\(name)"))).count, bytes.count)
    }
  }

  /// A cache that cannot be written is said, and costs nothing else.
  func testACacheThatCannotBeWrittenIsSaid() throws {
    let files = try TemporaryFiles(for: self)
    try files.write(PictureFixtures.bytes("color.png"), to: "a.png")
    try files.write([], to: "file")
    var told: [FileError] = []
    let images = try ImageFolder.load(
      ImageFolder.contents(of: files.directory), imageSize: 8, cache: files.path("file/cache")
    ) { told.append($0) }
    XCTAssertEqual(images.count, 1)
    XCTAssertEqual(told.map(\.kind), [.unwritable])
  }
}
