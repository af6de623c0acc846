import Files
import Foundation
import TestSupport
import XCTest

@testable import Datasets

/// How directories are read: nothing here opens a picture, so the files are empty.
final class FolderContentsTests: XCTestCase {
  func testSplitsAreFoundWhateverLiesBeside() throws {
    for beside in ["", "README.md", "labels.csv", "lost+found/", "__MACOSX/._a.png", "notes/a.txt"]
    {
      let contents = try contents(of: ["train/a": 3, "train/b": 3, "val/a": 1, "val/b": 1], beside)
      let splits = try XCTUnwrap(contents.splits, beside)
      XCTAssertEqual(splits.training.classNames, ["a", "b"], beside)
      XCTAssertEqual(splits.training.labels, [0, 0, 0, 1, 1, 1], beside)
      XCTAssertEqual(splits.evaluation?.labels, [0, 1], beside)
      XCTAssertEqual(splits.unusedCount, 0, beside)
    }
  }

  func testNamesOfSplits() throws {
    for (training, evaluation) in [
      ("train", "val"), ("Train", "Valid"), ("TRAIN", "VALIDATION"), ("training", "test"),
      ("Training", "Testing"), ("train", "validation"),
    ] {
      let contents = try contents(of: ["\(training)/x": 2, "\(training)/y": 2, evaluation: 2])
      XCTAssertEqual(contents.splits?.training.count, 4, training)
      XCTAssertEqual(contents.splits?.evaluation?.count, 2, evaluation)
    }
    // One class is none, unless it is one of those that are trained on.
    let one = try contents(of: ["train/a": 2, "train/b": 2, "val/b": 1])
    XCTAssertEqual(one.splits?.evaluation?.classNames, ["b"])
    XCTAssertEqual(
      try contents(of: ["train/a": 2, "train/b": 2, "val/x": 1]).splits?.evaluation?.labels, [])
    // val evaluates where there is test too, which is for the end.
    let both = try contents(of: ["train": 4, "val": 2, "test": 3])
    XCTAssertEqual(both.splits?.evaluation?.directory.hasSuffix("/val"), true)
    XCTAssertEqual(both.splits?.unusedCount, 3)
  }

  func testTrainAloneIsThePicturesAndTrainsAreAClass() throws {
    let alone = try contents(of: ["train/a": 2, "train/b": 2], "LICENSE")
    XCTAssertEqual(alone.splits?.training.classNames, ["a", "b"])
    XCTAssertNil(alone.splits?.evaluation)
    let vehicles = try contents(of: ["train": 2, "plane": 2])
    XCTAssertNil(vehicles.splits)
    XCTAssertEqual(vehicles.classNames, ["plane", "train"])
    XCTAssertNil(try contents(of: ["val": 2, "a": 2]).splits)
  }

  func testOneClassIsNone() throws {
    let contents = try contents(of: ["images": 5])
    XCTAssertEqual(contents.labels, [])
    XCTAssertEqual(contents.classNames, [])
    XCTAssertEqual(contents.description, "5 pictures, no classes, for all are in one directory")
  }

  func testAFewPicturesBesideTheClassesAreLeftOut() throws {
    let few = try contents(of: ["a": 10, "b": 10, "": 2])
    XCTAssertEqual(few.labels.count, 20)
    XCTAssertEqual(few.problems.count, 2)
    XCTAssertEqual(
      few.description,
      "20 pictures, 2 classes: a, b; left out 2, each of which is in none of the directories that are the classes"
    )
    let many = try contents(of: ["a": 10, "b": 10, "": 3])
    XCTAssertEqual(many.labels, [])
    XCTAssertEqual(many.count, 23)
    XCTAssertEqual(
      many.description, "23 pictures, no classes, for 3 are in no subdirectory")
  }

  func testEndingsAreCounted() throws {
    let files = try TemporaryFiles(for: self)
    for name in [
      "a.jpg", "b.JPEG", "c.jpe", "d.jfif", "e.png", "f.WebP", "g.bmp", "h.bmp", "i.HEIC", "README",
      ".hidden.gif", "j.",
    ] { try files.write([], to: name) }
    // A broken link is a problem where it is named like a picture alone.
    try FileManager.default.createSymbolicLink(
      atPath: files.path("k.bmp"), withDestinationPath: files.path("nowhere"))
    let contents = try ImageFolder.contents(of: files.directory)
    XCTAssertEqual(contents.count, 6)
    XCTAssertEqual(contents.problems, [])
    XCTAssertEqual(contents.otherFiles, ["bmp": 3, "heic": 1, "": 2])
    XCTAssertEqual(
      contents.skipped, "6 files (3 .bmp, 2 without an ending, 1 .heic)")
  }

  /// Names are bytes: Latin-1 from an old archive is no UTF-8.
  func testNamesThatAreNotUTF8() throws {
    let files = try TemporaryFiles(for: self)
    let root = RawPath(files.directory)
    for name in [[0xe9, 0x74, 0xe9], Array("plain".utf8)] {
      XCTAssertEqual(root.appending(name).withCString { mkdir($0, 0o755) }, 0)
      for picture in [[0x61], [0xff]] as [[UInt8]] {
        let path = root.appending(name).appending(picture + Array(".png".utf8))
        let file = path.withCString { open($0, O_CREAT | O_WRONLY, 0o644) }
        let bytes = try PictureFixtures.bytes("color.png")
        XCTAssertEqual(write(file, bytes, bytes.count), bytes.count)
        close(file)
      }
    }
    let images = try ImageFolder.load(directory: files.directory, imageSize: 8)
    XCTAssertEqual(images.labels, [0, 0, 1, 1])
    XCTAssertEqual(images.classNames, ["plain", "\u{FFFD}t\u{FFFD}"])
    // A program's arguments are text, in which the bytes are lost.
    let shown = files.directory + "/\u{FFFD}t\u{FFFD}"
    XCTAssertEqual(try ImageFolder.load(directory: shown, imageSize: 8).count, 2)
  }

  func testTheFingerprintIsThatOfNamesAndSizes() throws {
    let files = try TemporaryFiles(for: self)
    for name in ["a.png", "b.png"] { try files.write([1, 2], to: name) }
    func print(times: Bool = false) throws -> String {
      try ImageFolder.contents(of: files.directory).fingerprint(withTimes: times)
    }
    let (first, firstWithTimes) = try (print(), print(times: true))
    XCTAssertEqual(try print(), first)
    try files.write([3, 4], to: "a.png")
    XCTAssertEqual(try print(), first)
    var times = [timespec(tv_sec: 5, tv_nsec: 0), timespec(tv_sec: 5, tv_nsec: 0)]
    utimensat(AT_FDCWD, files.path("a.png"), &times, 0)
    XCTAssertNotEqual(try print(times: true), firstWithTimes)
    try files.write([3, 4, 5], to: "a.png")
    let larger = try print()
    XCTAssertNotEqual(larger, first)
    rename(files.path("a.png"), files.path("c.png"))
    XCTAssertNotEqual(try print(), larger)
  }

  /// FNV-1a's published values.
  func testFingerprint() {
    var print = Fingerprint()
    XCTAssertEqual("\(print)", "cbf29ce484222325")
    print.add("foobar")
    XCTAssertEqual("\(print)", "85944171f73967e8")
  }

  /// The contents of a directory with so many pictures in each subdirectory.
  private func contents(of counts: [String: Int], _ beside: String = "") throws -> FolderContents {
    let files = try TemporaryFiles(for: self)
    func make(_ name: String) throws {
      let folder = (files.path(name) as NSString).deletingLastPathComponent
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      if !name.hasSuffix("/") { try files.write([], to: name) }
    }
    for (folder, count) in counts {
      for number in 0..<count { try make("\(folder.isEmpty ? "" : folder + "/")\(number).png") }
    }
    if beside.hasSuffix("/") {
      try make(beside + ".keep")
    } else if !beside.isEmpty {
      try make(beside)
    }
    return try ImageFolder.contents(of: files.directory)
  }
}
