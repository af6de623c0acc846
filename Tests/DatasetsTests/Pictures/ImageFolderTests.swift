import Foundation
import Synchronization
import Tensor
import TestSupport
import XCTest

@testable import Datasets

final class ImageFolderTests: XCTestCase {
  func testImagesAreWhatTorchvisionMakesOfThem() throws {
    let expected = try PictureFixtures.expected()
    let folder = try ImageFolder.load(
      directory: PictureFixtures.directory, imageSize: 8, options: .asStored)
    XCTAssertEqual(folder.count, 17)
    XCTAssertEqual(folder.imageShape, [8, 8, 3])
    XCTAssertEqual(folder.labels, [])
    for (row, name) in expected.keys.sorted().enumerated() {
      let bytes = folder.images(in: row..<(row + 1)).scalars.map { UInt8(($0 * 255).rounded()) }
      let fitted = try XCTUnwrap(expected[name]).fitted
      XCTAssertLessThanOrEqual(largestDifference(bytes, fitted), 1, name)
    }
  }

  func testImagesThatAreNotSquare() throws {
    for size in [Size2D(height: 3, width: 11), [13, 4], [40, 1], [1, 40]] {
      let folder = try ImageFolder.load(directory: PictureFixtures.directory, imageSize: size)
      XCTAssertEqual(folder.imageShape, [size.height, size.width, 3])
    }
  }

  func testPicturesOfTheSizeAskedForAreKeptAsTheyAre() throws {
    let expected = try PictureFixtures.expected()
    let size = Size2D(height: 21, width: 34)
    let names = expected.keys.sorted()
    for (channels, wanted) in [(3, \PictureFixtures.Expected.colors), (1, \.grey)] {
      let folder = try ImageFolder.load(
        directory: PictureFixtures.directory, imageSize: size, channels: channels,
        options: .asStored)
      XCTAssertEqual(folder.imageShape, [21, 34, channels])
      for (row, name) in names.enumerated() {
        let bytes = folder.images(in: row..<(row + 1)).scalars.map { UInt8(($0 * 255).rounded()) }
        let difference = try largestDifference(bytes, XCTUnwrap(expected[name])[keyPath: wanted])
        XCTAssertLessThanOrEqual(difference, 1, "\(name), \(channels) channels")
      }
    }
  }

  func testPicturesOnDemandAreThoseInMemory() throws {
    for channels in [1, 3] {
      let loaded = try ImageFolder.load(
        directory: PictureFixtures.directory, imageSize: [9, 7], channels: channels)
      let onDemand = try ImageFolder.open(
        directory: PictureFixtures.directory, imageSize: [9, 7], channels: channels)
      XCTAssertEqual(onDemand.count, loaded.count)
      XCTAssertEqual(onDemand.imageShape, loaded.imageShape)
      let indices = [3, 0, 16, 3]
      XCTAssertEqual(
        onDemand.images(at: indices).scalars, loaded.images(at: indices).scalars)
    }
  }

  /// Another picture stands in for a damaged one, of its class if there are classes.
  func testOtherPicturesStandInForDamagedOnesOnDemand() throws {
    let files = try TemporaryFiles(for: self)
    for (source, name) in [
      ("color.png", "b/one.png"), ("grey.png", "c/a.png"), ("color.jpg", "c/z.jpg"),
    ] { try add(source, as: name, to: files) }
    try files.write([1, 2, 3], to: "c/b.png")
    let errors = Mutex<[FileError]>([])
    let folder = try ImageFolder.open(directory: files.directory, imageSize: 8) { error in
      errors.withLock { $0.append(error) }
    }
    XCTAssertEqual(folder.labels, [0, 1, 1, 1])
    XCTAssertEqual(folder.classNames, ["b", "c"])
    let images = folder.images(at: [2, 0, 1, 3])
    XCTAssertEqual(images[0].scalars, images[3].scalars)
    XCTAssertNotEqual(images[0].scalars, images[1].scalars)
    let found = errors.withLock { $0 }
    XCTAssertEqual(found.map(\.path), [files.path("c/b.png")])
    XCTAssertTrue(found[0].reason.hasPrefix("needs a JPEG, PNG, WebP, TIFF or NumPy picture"))
    // The last one of a class is followed by the first one.
    try files.write([4], to: "c/z.jpg")
    XCTAssertEqual(folder.images(at: [3]).scalars, folder.images(at: [1]).scalars)
    // Without anybody who is told, the first picture at least must be one.
    try files.write([], to: "b/empty.png")
    assertFails(
      files.path("b/empty.png"), "needs a JPEG, PNG, WebP, TIFF or NumPy picture; the file is empty"
    ) {
      _ = try ImageFolder.open(directory: files.directory, imageSize: 8)
    }
  }

  /// A batch that is made ahead has its error when it is its turn, in a subset too.
  func testErrorsOfBatchesMadeAheadComeAtTheirTurn() throws {
    let files = try TemporaryFiles(for: self)
    for name in ["a.png", "b.png", "d.png"] { try add("color.png", as: name, to: files) }
    try files.write([1, 2, 3, 4], to: "c.png")
    let folder = try ImageFolder.open(directory: files.directory, imageSize: 8)
    for set in [folder as any ImageDataset, folder.first(4).first(4)] {
      for ahead in [0, 2] {
        let batches = DataLoader(set, batchSize: 1).batches(ahead: ahead)
        for index in [0, 1, 2, 3] {
          let result = batches.nextResult()
          guard index == 2 else {
            XCTAssertEqual(try result.get().images.scalars, set.images(at: [index]).scalars)
            continue
          }
          assertFails(
            files.path("c.png"),
            "needs a JPEG, PNG, WebP, TIFF or NumPy picture; the file starts with 01 02 03 04; "
              + "`onDecodingError:` of ImageFolder.open puts others in their place"
          ) { try result.get() }
        }
      }
    }
  }

  func testSubdirectoriesAreClasses() throws {
    let files = try TemporaryFiles(for: self)
    for (source, place) in [
      ("color.png", "zebra/a.png"), ("grey.png", "ant/deep/er/b.PNG"), ("color.jpg", "ant/c.jpg"),
    ] {
      try add(source, as: place, to: files)
    }
    try add("color.png", as: "ant/.hidden.png", to: files)
    try files.write([1, 2, 3], to: "ant/metadata.txt")
    let folder = try ImageFolder.load(directory: files.directory, imageSize: [21, 34])
    XCTAssertEqual(folder.classNames, ["ant", "zebra"])
    XCTAssertEqual(folder.labels, [0, 0, 1])
    let alone = try ImageFolder.load(directory: PictureFixtures.directory, imageSize: [21, 34])
    let place = try XCTUnwrap(PictureFixtures.expected().keys.sorted().firstIndex(of: "color.png"))
    XCTAssertEqual(folder.images(at: [2]).scalars, alone.images(at: [place]).scalars)
    // With more than a tenth of the pictures outside, none has a label.
    try add("color.png", as: "lonely.png", to: files)
    XCTAssertEqual(try ImageFolder.load(directory: files.directory, imageSize: 8).labels, [])
    XCTAssertEqual(try ImageFolder.load(directory: files.directory + "/", imageSize: 8).count, 4)
    // With fewer, those are left out.
    for number in 0..<6 { try add("color.png", as: "ant/\(number).png", to: files) }
    var told: [FileError] = []
    let most = try ImageFolder.load(directory: files.directory, imageSize: 8) { told.append($0) }
    XCTAssertEqual(most.labels, [0, 0, 0, 0, 0, 0, 0, 0, 1])
    XCTAssertEqual(told.map(\.path), [files.path("lonely.png")])
  }

  func testLinksAreFollowedOnce() throws {
    let files = try TemporaryFiles(for: self)
    try add("color.png", as: "a/a.png", to: files)
    try FileManager.default.createSymbolicLink(
      atPath: files.path("a/circle"), withDestinationPath: files.directory)
    XCTAssertEqual(try ImageFolder.load(directory: files.directory, imageSize: 8).count, 1)
    // Links to one directory show its pictures where they are.
    for name in ["0", "b"] {
      try FileManager.default.createSymbolicLink(
        atPath: files.path(name), withDestinationPath: files.path("a"))
    }
    try add("color.png", as: "c/c.png", to: files)
    let folder = try ImageFolder.load(directory: files.directory, imageSize: 8)
    XCTAssertEqual(folder.classNames, ["a", "c"])
    XCTAssertEqual(folder.labels, [0, 1])
  }

  /// Directories that link to each other have more paths than could ever be walked.
  func testDirectoriesThatLinkToEachOtherAreWalkedOnce() throws {
    let files = try TemporaryFiles(for: self)
    let names = (0..<12).map { "d\($0)" }
    for name in names { try add("color.png", as: "\(name)/a.png", to: files) }
    for name in names {
      for other in names {
        try FileManager.default.createSymbolicLink(
          atPath: files.path("\(name)/to-\(other)"), withDestinationPath: files.path(other))
      }
    }
    XCTAssertEqual(try ImageFolder.contents(of: files.directory).count, 12)
  }

  func testDamagedPicturesAreAllNamed() throws {
    let files = try TemporaryFiles(for: self)
    try add("color.png", as: "a.png", to: files)
    let part = try PictureFixtures.bytes("color.jpg").prefix(300)
    let first = try files.write(Array(part), to: "b.jpg")
    let second = try files.write([], to: "c.jpg")
    XCTAssertThrowsError(try ImageFolder.load(directory: files.directory, imageSize: 8)) { error in
      let text = "\(error)"
      XCTAssertTrue(
        text.hasPrefix("\(first): needs a whole JPEG picture; libjpeg-turbo says: "), text)
      let advice = "`onDecodingError:` leaves such pictures out"
      XCTAssertTrue(
        text.hasSuffix("; of 3 pictures 2 cannot be read, also \(second); \(advice)"), text)
    }
  }

  func testDamagedPicturesCanBeLeftOut() throws {
    let files = try TemporaryFiles(for: self)
    try add("color.png", as: "x/a.png", to: files)
    try add("grey.png", as: "y/b.png", to: files)
    try add("color.jpg", as: "y/d.jpg", to: files)
    let damaged = try files.write([0xff, 0xd8, 0xff, 0xd9], to: "y/c.jpg")
    var told: [String] = []
    let folder = try ImageFolder.load(directory: files.directory, imageSize: [21, 34]) {
      told.append($0.path)
    }
    XCTAssertEqual(told, [damaged])
    XCTAssertEqual(folder.labels, [0, 1, 1])
    XCTAssertEqual(folder.paths, ["x/a.png", "y/b.png", "y/d.jpg"].map(files.path))
    XCTAssertEqual(
      folder.images(at: [2]).scalars,
      try PixelImage(contentsOf: files.path("y/d.jpg")).pixels.scalars)
    // If nothing is left, that is an error.
    try FileManager.default.removeItem(atPath: files.path("x"))
    for name in ["b.png", "d.jpg"] {
      try FileManager.default.removeItem(atPath: files.path("y/\(name)"))
    }
    XCTAssertThrowsError(
      try ImageFolder.load(directory: files.directory, imageSize: 8) { told.append($0.path) })
    XCTAssertEqual(told.count, 1)
  }

  /// A link to nothing, a pipe and a directory in the place of a picture cost themselves alone.
  func testWhatCannotBeReadCostsItselfAlone() throws {
    let files = try TemporaryFiles(for: self)
    try add("color.png", as: "a.png", to: files)
    try FileManager.default.createSymbolicLink(
      atPath: files.path("c.png"), withDestinationPath: files.path("nowhere"))
    XCTAssertEqual(mkfifo(files.path("pipe.jpg"), 0o644), 0)
    try FileManager.default.createDirectory(
      atPath: files.path("d.png"), withIntermediateDirectories: true)
    var told: [String] = []
    let folder = try ImageFolder.load(directory: files.directory, imageSize: 8) {
      told.append("\($0)")
    }
    XCTAssertEqual(folder.count, 1)
    XCTAssertEqual(
      told.sorted(),
      [
        files.path("c.png") + ": is a link to a file that is not there",
        files.path("pipe.jpg") + ": is a pipe, not a file",
      ])
    XCTAssertThrowsError(try ImageFolder.load(directory: files.directory, imageSize: 8)) {
      XCTAssertTrue("\($0)".hasSuffix("`onDecodingError:` leaves such pictures out"), "\($0)")
    }
  }

  func testADirectoryWithoutPicturesIsAnError() throws {
    let files = try TemporaryFiles(for: self)
    try files.write([1], to: "a.txt")
    assertFails(
      files.directory,
      "needs pictures in it, files that end with .jpg, .jpeg, .png, .webp, .tif or .npy; there is none among 1 "
        + "file (1 .txt)"
    ) { try ImageFolder.load(directory: files.directory, imageSize: 8) }
    assertFails(files.path("none"), "needs a directory; there is none") {
      try ImageFolder.load(directory: files.path("none"), imageSize: 8)
    }
  }

  private func add(_ source: String, as name: String, to files: TemporaryFiles) throws {
    let folder = (files.path(name) as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try files.write(PictureFixtures.bytes(source), to: name)
  }
}
