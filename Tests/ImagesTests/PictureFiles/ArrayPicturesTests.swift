import Files
import Tensor
import TestSupport
import XCTest

@testable import Images

/// TIFF, NumPy and PNG files of 8 and 16 bits, of floats and of many channels.
final class ArrayPicturesTests: XCTestCase {
  func testFilesHaveTheValuesThatOtherProgramsRead() throws {
    let files = try ArrayFixtures.expected()
    XCTAssertEqual(files.count, 42)
    for (name, expected) in files {
      let image = try PixelImage(
        contentsOf: ArrayFixtures.path(name), options: PictureOptions(depth: .sixteen))
      XCTAssertEqual(image.pixels.shape.dimensions, expected.shape, name)
      let difference = zip(image.pixels.scalars, expected.floats).reduce(Float(0)) {
        max($0, abs($1.0 - $1.1))
      }
      // What is expected is rounded; libpng rounds once more where it multiplies by opacity.
      let steps: Float = name == "rgba16.png" ? 1.6 : 0.51
      XCTAssertLessThanOrEqual(difference, steps / 65_535, name)
    }
  }

  func testHeads() throws {
    func head(_ name: String) throws -> PictureHead {
      try PictureHead(of: RawPath(ArrayFixtures.path(name)))
    }
    let size = Size2D(height: 18, width: 17)
    for (name, channels, bits, isData) in [
      ("five16.npy", 5, 16, true), ("gray8.npy", 1, 8, true), ("float64.npy", 1, 64, true),
      ("fortran.npy", 5, 16, true), ("gray16-lzw.tif", 1, 16, true), ("rgba16.tif", 3, 16, true),
      ("infrared16.tif", 4, 16, true), ("planes16.tif", 5, 16, true), ("palette.tif", 3, 8, true),
      ("five-float.tif", 5, 32, true), ("gray16.png", 3, 16, false),
    ] {
      XCTAssertEqual(
        try head(name),
        PictureHead(size: size, channels: channels, bits: bits, isData: isData), name)
    }
  }

  func testFilesOfSeveralPages() throws {
    for (name, hasMore) in [("pages16.tif", true), ("gray8.tif", false), ("planes16.tif", false)] {
      XCTAssertEqual(
        try PictureHead(of: RawPath(ArrayFixtures.path(name))).hasMorePages, hasMore, name)
    }
  }

  func testHeadsOfColors() throws {
    for (name, expected) in try PictureFixtures.expected() {
      let head = try PictureHead(of: RawPath(PictureFixtures.path(name)))
      XCTAssertEqual(head.size.map { [$0.height, $0.width] }, expected.size, name)
      XCTAssertEqual(head.channels, 3, name)
    }
  }

  func testPNGFilesOfSixteenBitsAreRoundedUnlessAsked() throws {
    let path = ArrayFixtures.path("rgb16.png")
    let fine = try PixelImage(contentsOf: path, options: PictureOptions(depth: .sixteen))
    let coarse = try PixelImage(contentsOf: path)
    for (fine, coarse) in zip(fine.pixels.scalars, coarse.pixels.scalars) {
      XCTAssertEqual(coarse, (fine * 255).rounded() / 255, accuracy: 1e-6)
    }
    XCTAssertNotEqual(fine.pixels.scalars, coarse.pixels.scalars)
  }

  func testARangeBecomesZeroToOne() throws {
    let files = try TemporaryFiles(for: self)
    // 0, 100, 4095, 65535 as uint16, lowest byte first.
    let words = numPyFile("<u2", "(2, 2)", [0, 0, 100, 0, 0xff, 0x0f, 0xff, 0xff])
    let options = PictureOptions(valueRange: 100...4_095)
    XCTAssertEqual(
      try PixelImage(contentsOf: files.write(words, to: "a.npy"), options: options).pixels.scalars,
      [0, 0, 1, 1])
    // -1 and 3 as float32.
    let floats = numPyFile("<f4", "(1, 2, 1)", [0, 0, 0x80, 0xbf, 0, 0, 0x40, 0x40])
    let path = try files.write(floats, to: "b.npy")
    XCTAssertEqual(
      try PixelImage(contentsOf: path, options: PictureOptions(valueRange: -2...6)).pixels.scalars,
      [0.125, 0.625])
    assertFails(
      path,
      "needs values in 0...1, or a range of values that becomes 0...1 (valueRange, --range); it has "
        + "-1.0...3.0"
    ) { try PixelImage(contentsOf: path) }
  }

  func testPhotographsHaveNoRange() throws {
    let range = PictureOptions(valueRange: 0...51)
    for path in [PictureFixtures.path("color.jpg"), ArrayFixtures.path("rgb16.png")] {
      XCTAssertEqual(
        try PixelImage(contentsOf: path, options: range).pixels.scalars,
        try PixelImage(contentsOf: path).pixels.scalars, path)
    }
    let fine = try PixelImage(
      contentsOf: ArrayFixtures.path("rgb16.png"),
      options: PictureOptions(depth: .sixteen, valueRange: 0...13_107))
    let whole = try ArrayFixtures.expected()["rgb16.png"]?.floats ?? []
    XCTAssertEqual(fine.pixels.elementCount, whole.count)
    for (value, stored) in zip(fine.pixels.scalars, whole) {
      XCTAssertEqual(value, min(1, 5 * stored), accuracy: 1e-6)
    }
  }

  func testFloatsThatAreNoNumbersAreErrors() throws {
    let files = try TemporaryFiles(for: self)
    let path = try files.write(numPyFile("<f4", "(1, 1)", [0, 0, 0xc0, 0x7f]), to: "nan.npy")
    for range in [nil, 0...Float(1)] {
      assertFails(path, "needs finite values; it has some that are NaN or infinite") {
        try PixelImage(contentsOf: path, options: PictureOptions(valueRange: range))
      }
    }
  }

  func testWrongArrays() throws {
    let files = try TemporaryFiles(for: self)
    for (bytes, reason) in [
      (
        numPyFile("<i4", "(1, 1)", [0, 0, 0, 0]),
        "needs an array of uint8, uint16, float32 or float64, as array.astype(numpy.uint8) makes; its "
          + "type is <i4"
      ),
      (
        numPyFile("|O", "(1, 1)", []),
        "needs an array of uint8, uint16, float32 or float64, as array.astype(numpy.uint8) makes; its "
          + "type is |O"
      ),
      (
        numPyFile("|u1", "(4,)", [0, 0, 0, 0]),
        "needs an array of shape (height, width) or (height, width, channels); its shape is (4,)"
      ),
      (
        numPyFile("|u1", "(3, 32, 32)", [UInt8](repeating: 0, count: 3_072)),
        "needs an array of shape (height, width, channels); its shape (3, 32, 32) has the channels "
          + "first, and numpy.moveaxis(array, 0, -1) brings them last"
      ),
      (
        numPyFile("|u1", "(2, 3)", [0, 0, 0, 0]),
        "needs 6 bytes of values, as its head says; it has 4"
      ),
      (
        numPyFile("|u1", "(1, 1, 2000)", []),
        "needs 1 to 1024 channels; the file says it has 2000"
      ),
      (
        numPyFile("|u1", "(0, 5)", []),
        "needs a picture of 1 to 178956970 pixels; the file says it has 0x5"
      ),
      (
        numPyFile("|u1", "(9223372036854775807, 9223372036854775807, 3)", []),
        "needs a picture of 1 to 178956970 pixels; the file says it has "
          + "9223372036854775807x9223372036854775807"
      ),
      (
        Array([UInt8](numPyFile("|u1", "(1, 1)", [0]).prefix(20))),
        "needs a NumPy array with a short head; it says 60 bytes"
      ),
    ] {
      let path = try files.write(bytes, to: "a.npy")
      assertFails(path, reason) { try PixelImage(contentsOf: path) }
    }
  }

  func testTruncatedAndBrokenTIFFFilesAreErrors() throws {
    let files = try TemporaryFiles(for: self)
    for name in ["gray16-lzw.tif", "rgb16-tiles.tif", "planes16.tif", "jpeg.tif", "onebit.tif"] {
      let bytes = try ArrayFixtures.bytes(name)
      for length in stride(from: 4, to: bytes.count / 2, by: 7) {
        let path = try files.write(Array(bytes.prefix(length)), to: name)
        XCTAssertThrowsError(try Picture(path: RawPath(path)), "\(name), \(length) bytes") {
          XCTAssertTrue("\($0)".hasPrefix("\(path): needs a "), "\($0)")
          XCTAssertFalse("\($0)".contains("nknown"), "\($0)")
        }
      }
    }
  }

  /// A file of a few hundred bytes that says it is huge.
  func testClaimsThatCannotBeTrueTakeNoMemory() throws {
    let files = try TemporaryFiles(for: self)
    var bytes = try ArrayFixtures.bytes("gray8.tif")
    // The first entry of the first directory, whose place follows the signature, is one of 12 bytes;
    // the height's tag is 0x0101.
    let place = try XCTUnwrap(
      bytes.indices.dropLast(12).first { bytes[$0] == 1 && bytes[$0 + 1] == 1 && $0 > 7 })
    bytes.replaceSubrange(place + 2..<place + 12, with: [4, 0, 1, 0, 0, 0, 0, 0, 0x80, 0])
    let path = try files.write(bytes, to: "high.tif")
    XCTAssertThrowsError(try Picture(path: RawPath(path))) {
      XCTAssertTrue("\($0)".contains("at most 4096 bytes for each of the file"), "\($0)")
    }
  }

  func testChannelsOfAnImage() {
    let image = PixelImage(Tensor((0..<20).map(Float.init), shape: [2, 2, 5]))
    XCTAssertEqual(image.selecting(channels: [4, 0]).pixels.scalars, [4, 0, 9, 5, 14, 10, 19, 15])
    XCTAssertEqual(
      image.shown().pixels.scalars, image.selecting(channels: [0, 1, 2]).pixels.scalars)
    XCTAssertEqual(image.shown([3]).pixels.scalars, [3, 8, 13, 18])
    let two = image.selecting(channels: [1, 2])
    XCTAssertEqual(two.shown().pixels.scalars, [1, 6, 11, 16])
  }
}
