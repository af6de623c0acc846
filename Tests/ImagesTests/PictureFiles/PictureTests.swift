import Files
import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Images

final class PictureTests: XCTestCase {
  func testPicturesAreWhatPillowDecodes() throws {
    let expected = try PictureFixtures.expected()
    XCTAssertEqual(expected.count, 17)
    for (name, expected) in expected {
      let picture = try Picture(path: RawPath(PictureFixtures.path(name)), options: .asStored)
      XCTAssertEqual([picture.size.height, picture.size.width], expected.size, name)
      // Inks become colours by a division, which Pillow rounds its own way.
      let tolerance = name == "inks.jpg" ? 1 : 0
      XCTAssertLessThanOrEqual(
        largestDifference(picture.image.colors, expected.colors), tolerance, name)
    }
  }

  func testTheFirstBytesCountNotTheName() throws {
    let files = try TemporaryFiles(for: self)
    for name in ["color.jpg", "color.png", "lossless.webp"] {
      let path = try files.write(PictureFixtures.bytes(name), to: "picture.gif")
      XCTAssertEqual(
        try PixelImage(contentsOf: path).colors,
        try PixelImage(contentsOf: PictureFixtures.path(name)).colors, name)
    }
  }

  func testEveryTruncationIsAnError() throws {
    let files = try TemporaryFiles(for: self)
    for name in ["color.jpg", "progressive.JPEG", "color.png", "palette.png", "lossy.webp"] {
      let bytes = try PictureFixtures.bytes(name)
      // JPEG's last two bytes mark the end of a picture that is complete without them, as PNG's last twelve do.
      let last = name.hasSuffix("png") ? 13 : name.hasSuffix("webp") ? 1 : 3
      for length in stride(from: 0, through: bytes.count - last, by: 7) {
        let path = try files.write(Array(bytes.prefix(length)), to: name)
        XCTAssertThrowsError(try Picture(path: RawPath(path)), "\(name), \(length) bytes") {
          error in
          XCTAssertTrue("\(error)".hasPrefix("\(path): needs a "), "\(error)")
        }
      }
    }
  }

  func testDamageWithinAScanIsShownAsItIs() throws {
    let files = try TemporaryFiles(for: self)
    var bytes = try PictureFixtures.bytes("color.jpg")
    bytes.removeSubrange(700..<800)
    let path = try files.write(bytes, to: "hole.jpg")
    XCTAssertEqual(try Picture(path: RawPath(path)).size, [21, 34])
  }

  func testColorSpacesOfPNGAreLeftOut() throws {
    let (plain, gamma) = try (
      Data(PictureFixtures.bytes("color.png")), Data(PictureFixtures.bytes("gamma.png"))
    )
    XCTAssertEqual(LibPNG.withoutColorSpace(plain), plain)
    XCTAssertEqual(gamma.count, plain.count + 16)
    XCTAssertEqual(LibPNG.withoutColorSpace(gamma), plain)
    // Part of a larger buffer, whose indices do not begin at zero.
    let inside = (Data([1, 2, 3]) + gamma).dropFirst(3)
    XCTAssertEqual(LibPNG.withoutColorSpace(inside), plain)
    XCTAssertEqual(LibPNG.bitDepth(inside), LibPNG.bitDepth(gamma))
    for length in 0..<gamma.count {
      XCTAssertLessThanOrEqual(
        LibPNG.withoutColorSpace(Data(gamma.prefix(length))).count, length)
    }
  }

  /// Floats are the bytes over 255, and bytes those that a float image of each step is rounded to.
  func testBytesAndFloatsAreTheSameImage() throws {
    for name in try PictureFixtures.expected().keys {
      for channels in [1, 3] {
        let format = ImageFormat([9, 7], channels: channels, options: .asStored)
        var bytes = [UInt8](repeating: 7, count: 63 * channels)
        var floats = [Float](repeating: .nan, count: 63 * channels)
        let path = RawPath(PictureFixtures.path(name))
        try bytes.withUnsafeMutableBufferPointer { _ = try format.render(path, into: $0) }
        try floats.withUnsafeMutableBufferPointer { _ = try format.render(path, into: $0) }
        XCTAssertEqual(floats, bytes.map { Float($0) / 255 }, name)
        // The long way: all of the picture, resized, cut out, without colours and rounded.
        let picture = try Picture(path: path, needed: format.size, options: .asStored)
        let (h, w) = (picture.size.height, picture.size.width)
        let covering: Size2D = w * 9 >= h * 7 ? [9, 9 * w / h] : [7 * h / w, 7]
        let part = picture.image.resized(to: covering)
          .cropped(to: .center(format.size, of: covering))
        let colors = part.pixels.scalars
        let grays = (0..<63).map { (pixel) -> Float in
          let (red, green, blue) = (colors[3 * pixel], colors[3 * pixel + 1], colors[3 * pixel + 2])
          return 0.299 * red + 0.587 * green + 0.114 * blue
        }
        let slow = channels == 3 ? colors : grays
        XCTAssertEqual(bytes, slow.map { UInt8((min(max($0, 0), 1) * 255).rounded()) }, name)
      }
    }
  }

  /// All of a picture is squeezed into the image, rather than its middle cut out.
  func testStretchedPicturesKeepAll() throws {
    var options = PictureOptions.asStored
    options.fit = .stretch
    for name in ["color.jpg", "color.png"] {
      let path = RawPath(PictureFixtures.path(name))
      let format = ImageFormat([9, 7], channels: 3, options: options)
      var bytes = [UInt8](repeating: 7, count: 189)
      try bytes.withUnsafeMutableBufferPointer { _ = try format.render(path, into: $0) }
      let whole = try Picture(path: path, needed: format.size, options: options).image
      XCTAssertNotEqual(whole.size.width * 9, whole.size.height * 7)
      let slow = whole.resized(to: format.size).pixels.scalars
      XCTAssertEqual(bytes, slow.map { UInt8((min(max($0, 0), 1) * 255).rounded()) }, name)
    }
  }

  func testThinPicturesTakeNoMoreMemoryThanTheirMiddle() throws {
    let files = try TemporaryFiles(for: self)
    let path = files.path("thin.png")
    try PixelImage(size: Size2D(height: 1, width: 100_000), channels: 3) {
      $0.update(repeating: 0.5)
    }
    .write(to: path)
    let before = Memory.usage
    var fitted = [UInt8](repeating: 0, count: 96 * 96 * 3)
    try fitted.withUnsafeMutableBufferPointer {
      _ = try ImageFormat(96, channels: 3).render(RawPath(path), into: $0)
      XCTAssertLessThan(Memory.usage.liveBytes - before.liveBytes, 1 << 20)
    }
    XCTAssertEqual(Set(fitted), [128])
  }

  func testWhatIsNoPictureIsNamed() throws {
    let files = try TemporaryFiles(for: self)
    let text = try files.write(Array("GIF89a".utf8), to: "a.png")
    assertFails(text, "needs a JPEG, PNG, WebP, TIFF or NumPy picture; this is a GIF file") {
      try Picture(path: RawPath(text))
    }
    let empty = try files.write([], to: "b.png")
    assertFails(empty, "needs a JPEG, PNG, WebP, TIFF or NumPy picture; the file is empty") {
      try Picture(path: RawPath(empty))
    }
  }

  func testAHeaderThatClaimsTooMuchIsAnError() throws {
    let files = try TemporaryFiles(for: self)
    var bytes = try PictureFixtures.bytes("lossless.webp")
    // VP8L: 14 bits of width - 1 and 14 of height - 1 after the signature at byte 20.
    bytes.replaceSubrange(21..<25, with: [0xff, 0xff, 0xff, 0x0f])
    let path = try files.write(bytes, to: "huge.webp")
    XCTAssertThrowsError(try Picture(path: RawPath(path))) { error in
      XCTAssertTrue(
        "\(error)".contains("16384x16384") || "\(error)".contains("libwebp"), "\(error)")
    }
    let file = try PictureFile(RawPath(path))
    XCTAssertThrowsError(try file.size(height: 1 << 20, width: 1 << 20))
    XCTAssertThrowsError(try file.size(height: 0, width: 5))
    XCTAssertEqual(try file.size(height: 3, width: 5), [3, 5])
  }

  func testLargeJPEGsAreDecodedAtAPartOfTheirSize() throws {
    let full = Size2D(height: 3001, width: 4000)
    XCTAssertEqual(TurboJPEG.decodedSize(full, needed: nil), full)
    XCTAssertEqual(TurboJPEG.decodedSize(full, needed: 96), [376, 500])
    XCTAssertEqual(TurboJPEG.decodedSize(full, needed: 224), [751, 1000])
    XCTAssertEqual(TurboJPEG.decodedSize(full, needed: 700), [1501, 2000])
    XCTAssertEqual(TurboJPEG.decodedSize(full, needed: 751), full)
    let picture = try Picture(path: RawPath(PictureFixtures.path("color.jpg")), needed: 5)
    XCTAssertEqual(picture.size, [11, 17])
  }

  func testMissingLibrariesNameTheirPackages() {
    XCTAssertThrowsError(try TurboJPEG(named: "libabsent.so.0")) { error in
      XCTAssertTrue("\(error)".hasSuffix("apt-get install libturbojpeg0-dev"), "\(error)")
    }
    XCTAssertThrowsError(try LibPNG(named: "libabsent.so.0")) { error in
      XCTAssertTrue("\(error)".hasSuffix("apt-get install libpng16-16"), "\(error)")
    }
    XCTAssertThrowsError(try LibWebP(named: "libabsent.so.0")) { error in
      XCTAssertTrue("\(error)".hasSuffix("apt-get install libwebp7"), "\(error)")
    }
  }
}
