import Files
import Foundation
import Images
import Tensor
import TestSupport
import XCTest

@testable import Datasets

final class PictureSurveyTests: XCTestCase {
  private func folder(_ names: [String]) throws -> TemporaryFiles {
    let files = try TemporaryFiles(for: self)
    for name in names { try files.write(ArrayFixtures.bytes(name), to: name) }
    return files
  }

  private func survey(_ files: TemporaryFiles, index: String? = nil) throws -> PictureSurvey {
    try PictureSurvey(of: ImageFolder.contents(of: files.directory), index: index)
  }

  func testChannelsOfAll() throws {
    for (names, channels, deep, deepPNG) in [
      (["five16.npy", "five16.tif", "five-float.tif"], 5, 3, 0),
      (["gray8.npy", "gray8.tif"], 1, 0, 0), (["gray16-lzw.tif", "rgb8-deflate.tif"], 3, 1, 0),
      (["gray16.png", "rgb16.png"], 3, 0, 2),
    ] {
      let survey = try survey(folder(names))
      XCTAssertEqual(try survey.channels, channels)
      XCTAssertEqual(survey.deepCount, deep)
      XCTAssertEqual(survey.deepPNGCount, deepPNG)
      XCTAssertEqual(survey.sizes?.largest, Size2D(height: 18, width: 17))
    }
  }

  func testChannelsThatDifferAreAnError() throws {
    let files = try folder(["five16.npy", "five16.tif", "two16.npy"])
    assertFails(
      files.path("two16.npy"),
      "needs pictures with one number of channels; it has 2, and 2 of 3 have 5"
    ) { try survey(files).channels }
    let other = try folder(["infrared16.tif", "big16.npy", "version2.npy"])
    XCTAssertThrowsError(
      try PictureSurvey.channels(of: [survey(folder(["five16.npy"])), survey(other)]))
  }

  /// A head that cannot be true counts as nothing, and leaves the others their channels.
  func testPicturesThatAreLongerThanWide() throws {
    try withTemporaryFolder { folder in
      for (index, size) in [[30, 20], [31, 20], [20, 20], [8, 90]].enumerated() {
        try PixelImage(.zeros([size[0], size[1], 3])).write(to: "\(folder)/\(index).png")
      }
      let survey = try PictureSurvey(of: ImageFolder.contents(of: folder))
      XCTAssertEqual(survey.elongatedCount, 2)
    }
  }

  func testHeadsWithoutChannels() throws {
    let head = "{'descr': '|u1', 'fortran_order': False, 'shape': (18, 1, 0), }\n"
    let bytes = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(head.utf8.count), 0] + head.utf8
    let files = try folder([])
    try files.write(bytes, to: "none.npy")
    XCTAssertEqual(try survey(files).channels, 3)
    try files.write(ArrayFixtures.bytes("five16.npy"), to: "five.npy")
    XCTAssertEqual(try survey(files).channels, 5)
  }

  /// Nothing is opened twice, unless it has changed.
  func testTheIndexNoticesWhatChanged() throws {
    let files = try folder(["five16.npy", "five16.tif", "fortran.npy"])
    let index = try TemporaryFiles(for: self).directory
    XCTAssertEqual(try survey(files, index: index).openedCount, 3)
    XCTAssertEqual(try survey(files, index: index).openedCount, 0)
    XCTAssertEqual(try survey(files, index: index).channels, 5)
    // Of another size, and then of the same at another time.
    try files.write(ArrayFixtures.bytes("two16.npy"), to: "fortran.npy")
    XCTAssertEqual(try survey(files, index: index).openedCount, 1)
    XCTAssertThrowsError(try survey(files, index: index).channels)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: files.path("five16.npy"))
    XCTAssertEqual(try survey(files, index: index).openedCount, 1)
    try files.write(ArrayFixtures.bytes("planes16.tif"), to: "new.tif")
    XCTAssertEqual(try survey(files, index: index).openedCount, 1)
    try FileManager.default.removeItem(atPath: files.path("fortran.npy"))
    let last = try survey(files, index: index)
    XCTAssertEqual(last.openedCount, 0)
    XCTAssertEqual(try last.channels, 5)
  }

  func testABrokenIndexCountsAsNone() throws {
    let files = try folder(["five16.npy", "fortran.npy"])
    let directory = try TemporaryFiles(for: self)
    _ = try survey(files, index: directory.directory)
    let name = try XCTUnwrap(
      FileManager.default.contentsOfDirectory(atPath: directory.directory)[0])
    let whole = try Array(Data(contentsOf: URL(fileURLWithPath: directory.path(name))))
    for length in [0, 10, whole.count - 1] {
      try directory.write(Array(whole.prefix(length)), to: name)
      XCTAssertEqual(try survey(files, index: directory.directory).openedCount, 2)
    }
    XCTAssertEqual(
      try survey(files, index: "/proc/nowhere").indexError?.kind, FileError.Kind.unwritable)
  }
}

/// Folders of files with many channels and 16 bits.
final class ManyChannelFolderTests: XCTestCase {
  func testFoldersKeepChannelsAndBits() throws {
    let files = try TemporaryFiles(for: self)
    let cache = try TemporaryFiles(for: self).directory
    let names = ["five-float.tif", "five16.npy", "five16.tif", "float32.npy", "planes-tiles.tif"]
    for name in names { try files.write(ArrayFixtures.bytes(name), to: name) }
    let contents = try ImageFolder.contents(of: files.directory)
    let options = PictureOptions(depth: .sixteen)
    func load() throws -> LabeledImages {
      try ImageFolder.load(
        contents, imageSize: [18, 17], channels: 5, options: options, cache: cache)
    }
    let (first, again) = try (load(), load())
    let lazy = try ImageFolder.open(contents, imageSize: [18, 17], channels: 5, options: options)
    XCTAssertEqual(first.imageShape, [18, 17, 5])
    XCTAssertEqual(first.paths.map { URL(fileURLWithPath: $0).lastPathComponent }, names)
    let expected = try ArrayFixtures.expected()
    // Nothing is resized, so that the numbers are those of the files; floats are rounded.
    for images in [first, again, lazy] as [any ImageDataset] {
      for (index, name) in names.enumerated() {
        let (values, wanted) = (images.images(at: [index]).scalars, expected[name]?.floats ?? [])
        XCTAssertEqual(values.count, wanted.count)
        let step: Float = name.contains("float") ? 1.01 / 65_535 : 0
        XCTAssertTrue(zip(values, wanted).allSatisfy { abs($0 - $1) <= step }, name)
      }
    }
  }

  func testOtherChannelsAreErrorsAndGrayBecomesColors() throws {
    let files = try TemporaryFiles(for: self)
    for name in ["gray16-lzw.tif", "five16.tif"] {
      try files.write(ArrayFixtures.bytes(name), to: name)
    }
    let contents = try ImageFolder.contents(of: files.directory)
    var errors: [String] = []
    let images = try ImageFolder.load(
      contents, imageSize: [18, 17], channels: 3, options: PictureOptions(depth: .sixteen),
      onDecodingError: { errors.append("\($0)") })
    XCTAssertEqual(errors, [files.path("five16.tif") + ": needs 3 channels; it has 5"])
    let gray = try ArrayFixtures.expected()["gray16-lzw.tif"]?.floats ?? []
    XCTAssertEqual(images.images(in: 0..<1).scalars, gray.flatMap { [$0, $0, $0] })
  }
}
