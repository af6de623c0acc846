import Files
import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Images

/// Pictures beside what Pillow shows of them, as Fixtures/turned.py wrote both.
final class TurnedPicturesTests: XCTestCase {
  private struct Expected: Decodable {
    let size: [Int]
    /// Turned as EXIF says, and on white.
    let colors: Data
    /// As the file stores them.
    let stored: Data
  }

  func testPicturesAreTurnedAndShownOnWhite() throws {
    let pictures = try expected()
    XCTAssertEqual(pictures.count, 14)
    for (name, expected) in pictures {
      let picture = try PixelImage(contentsOf: path(name))
      XCTAssertEqual([picture.height, picture.width], expected.size, name)
      // Pillow rounds the mixture of a color and white its own way.
      let isClear = ["turned.png", "clear.webp", "animated.webp"].contains(name)
      XCTAssertLessThanOrEqual(
        largestDifference(picture.colors, expected.colors), isClear ? 1 : 0, name)
      let stored = try PixelImage(contentsOf: path(name), options: .asStored)
      XCTAssertEqual(stored.height, 12, name)
      XCTAssertEqual(Data(stored.colors), expected.stored, name)
    }
  }

  func testBackgrounds() throws {
    for name in ["clear.webp", "turned.png"] {
      func read(_ background: PictureOptions.Background) throws -> [Float] {
        let options = PictureOptions(appliesOrientation: false, background: background)
        return try PixelImage(contentsOf: path(name), options: options).pixels.scalars
      }
      let (stored, black, white) = try (read(.stored), read(.black), read(.white))
      let red = try read(.color(red: 1, green: 0, blue: 0))
      for index in stored.indices {
        // opacity · color + (1 - opacity) · background
        let opacity = 1 - (white[index] - black[index])
        XCTAssertEqual(black[index], opacity * stored[index], accuracy: 1e-5)
        let expected = index.isMultiple(of: 3) ? white[index] : black[index]
        XCTAssertEqual(red[index], expected, accuracy: 1e-6)
      }
      XCTAssertTrue(try Picture(path: RawPath(path(name))).isTransparent)
      XCTAssertFalse(try Picture(path: RawPath(path(name)), options: .asStored).isTransparent)
    }
    XCTAssertFalse(try Picture(path: RawPath(path("6.jpg"))).isTransparent)
  }

  /// A picture on its side is decoded at a half of its size if that is enough for it upright.
  func testTurnedPicturesAreResizedAsTurned() throws {
    for turn in 1...8 {
      let format = ImageFormat([4, 3], channels: 3)
      var bytes = [UInt8](repeating: 0, count: 36)
      try bytes.withUnsafeMutableBufferPointer {
        _ = try format.render(RawPath(path("\(turn).jpg")), into: $0)
      }
      let picture = try Picture(path: RawPath(path("\(turn).jpg")), needed: [4, 3])
      XCTAssertEqual(picture.size, turn < 5 ? [12, 20] : [10, 6])
      let whole = picture.image
      let covering: Size2D = turn < 5 ? [4, 4 * 20 / 12] : [3 * 10 / 6, 3]
      let slow = whole.resized(to: covering).cropped(to: .center([4, 3], of: covering))
      XCTAssertEqual(bytes, slow.colors, "\(turn)")
    }
  }

  /// EXIF data that end anywhere, or point anywhere, turn nothing and read nothing beyond them.
  func testDamagedOrientationsTurnNothing() throws {
    let jpeg = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path("big-endian.jpg"))))
    let start = try XCTUnwrap(JPEGMarkers.exif(in: Data(jpeg))).dropFirst(6)
    XCTAssertEqual(Orientation(exif: start), .onItsRight)
    for length in 0..<start.count - 4 { _ = Orientation(exif: start.prefix(length)) }
    for place in 0..<start.count {
      for value: UInt8 in [0, 1, 0x7f, 0xff] {
        var changed = Array(start)
        changed[place] = value
        _ = Orientation(exif: changed)
      }
    }
    XCTAssertNil(Orientation(exif: Array("II*\0".utf8) + [0xff, 0xff, 0xff, 0xff]))
    XCTAssertNil(Orientation(exif: []))
  }

  func testJPEGsThatHaveTheirEndAreWhole() throws {
    let files = try TemporaryFiles(for: self)
    let whole = try PictureFixtures.bytes("color.jpg")
    let body = Array(whole.dropLast(2))
    let end: [UInt8] = [0xff, 0xd9]
    let tail = Array("a film".utf8) + [0xff, 0xda, 0, 8, 1, 2, 3]
    let zeros = [UInt8](repeating: 0, count: 64)
    let table = try XCTUnwrap(whole.indices.first { whole[$0] == 0xff && whole[$0 + 1] == 0xdb })
    let reference = try PixelImage(contentsOf: PictureFixtures.path("color.jpg")).colors
    let cases: [(String, [UInt8])] = [
      ("zeros before the end", body + zeros + end), ("a tail", whole + tail),
      ("both", body + zeros + end + tail),
      (
        "junk in the header, and a tail",
        whole[..<table] + [0, 0, 0, 0, 0] + whole[table...] + tail
      ),
      ("half a second one", body + zeros + end + whole.dropLast(40)),
      ("padding before markers", whole[..<table] + [0xff, 0xff] + whole[table...]),
    ]
    for (name, bytes) in cases {
      let path = try files.write(bytes, to: "a.jpg")
      XCTAssertEqual(try PixelImage(contentsOf: path).colors, reference, name)
    }
    for (name, bytes) in [
      ("cut short", Array(whole.dropLast(100))),
      ("cut short after its thumbnail", jpegWithThumbnail(whole).dropLast(100)),
    ] {
      let path = try files.write(Array(bytes), to: "a.jpg")
      XCTAssertThrowsError(try PixelImage(contentsOf: path), name)
    }
  }

  /// A JPEG whose EXIF data hold a whole small one, with an end of its own.
  private func jpegWithThumbnail(_ jpeg: [UInt8]) -> [UInt8] {
    let contents = JPEGMarkers.exifMark + jpeg
    let length = contents.count + 2
    return jpeg[..<2] + [0xff, 0xe1, UInt8(length >> 8), UInt8(length & 255)] + contents
      + jpeg[2...]
  }

  private static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
    + "/Fixtures"

  private func path(_ name: String) -> String { "\(Self.folder)/turned/\(name)" }

  private func expected() throws -> [String: Expected] {
    try JSONDecoder().decode(
      [String: Expected].self,
      from: Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/turned.json")))
  }
}
