import Foundation
import TestSupport
import XCTest

@testable import Datasets

final class PictureLabelsTests: XCTestCase {
  private func rows(_ text: String) throws -> [[String]] {
    try CSVTable(Array(text.utf8), path: "t.csv").rows.map(\.fields)
  }

  /// The rules of RFC 4180, section 2, by number.
  func testTables() throws {
    XCTAssertEqual(try rows("a,b\r\nc,d\r\n"), [["a", "b"], ["c", "d"]])  // 1
    XCTAssertEqual(try rows("a,b\nc,d"), [["a", "b"], ["c", "d"]])  // 2
    XCTAssertEqual(try rows("a, b \n,\n"), [["a", " b "], ["", ""]])  // 4
    XCTAssertEqual(try rows("\"a\",\"\"\r\n"), [["a", ""]])  // 5
    XCTAssertEqual(try rows("\"a,1\",\"b\r\n2\"\r\nc,d"), [["a,1", "b\r\n2"], ["c", "d"]])  // 6
    XCTAssertEqual(try rows("\"a \"\"b\"\"\",c"), [["a \"b\"", "c"]])  // 7
    // Beside these: empty lines, a mark of UTF-8, and quotes within a field that has none around it.
    XCTAssertEqual(try rows("\u{FEFF}a,b\n\r\n\nc\"d,\"\"\"\"\n"), [["a", "b"], ["c\"d", "\""]])
    XCTAssertEqual(try rows(""), [])
  }

  func testLinesAreCountedThroughQuotes() throws {
    let table = try CSVTable(Array("a,\"b\n\n\"\n\nc,d\n".utf8), path: "t.csv")
    XCTAssertEqual(table.rows.map(\.line), [1, 5])
  }

  func testTablesThatAreDamaged() {
    for (text, reason) in [
      ("a,b\n\"c,d\n", "line 2: needs a quote that ends what a quote begins"),
      ("\"a\"b,c\n", "line 1: needs a comma or the end of the line behind quotes; got b"),
    ] { assertFails("t.csv", reason) { try rows(text) } }
    assertFails(
      "t.csv", "line 2: needs text in UTF-8; \"caf\u{FFFD}.png\" has the bytes e9"
    ) { try CSVTable(Array("a,b\ncaf".utf8) + [0xe9] + Array(".png,c\n".utf8), path: "t.csv") }
  }

  // MARK: - Folders

  /// A folder `in` with five pictures, and what a file beside it says of them.
  private func labels(
    _ text: String, in files: TemporaryFiles, name: String = "labels.csv"
  ) throws -> PictureLabels {
    try FileManager.default.createDirectory(
      atPath: files.path("in/sub"), withIntermediateDirectories: true)
    for picture in ["a.png", "b, c.png", "sub/a.png", "sub/d.png", "sub/é.png"] {
      try files.write(PictureFixtures.bytes("color.png"), to: "in/" + picture)
    }
    let path = try files.write(Array(text.utf8), to: name)
    return try PictureLabels(
      contentsOf: path, for: ImageFolder.contents(of: files.path("in"), withClasses: false))
  }

  func testSomePicturesHaveLabels() throws {
    for head in ["", "path,label\n", "Path, Label\r\n", "filename,class\n"] {
      let files = try TemporaryFiles(for: self)
      let labels = try labels(
        head + "sub/d.png,tree\r\n\"b, c.png\", lake\nsub/é.png,tree\n", in: files)
      XCTAssertEqual(labels.classNames, ["lake", "tree"], head)
      XCTAssertEqual(labels.labels, [nil, 0, nil, 1, 1], head)
      XCTAssertEqual(labels.count, 3)
      XCTAssertEqual(labels.unknownPaths, [], head)
    }
  }

  func testOtherColumns() throws {
    let files = try TemporaryFiles(for: self)
    let labels = try labels("id,label,path\n1,x,a.png\n2,y,sub/a.png\n", in: files)
    XCTAssertEqual(labels.labels, [0, nil, 1, nil, nil])
  }

  /// From the folder, from the file, absolute, with dots, and through links.
  func testWhatPathsAreRelativeTo() throws {
    let files = try TemporaryFiles(for: self)
    try FileManager.default.createSymbolicLink(
      atPath: files.path("link"), withDestinationPath: files.path("in/sub"))
    let text = """
      ./a.png,0
      in/b, c.png,1
      \(files.path("in/sub/a.png")),2
      sub/../sub/d.png,3
      link/é.png,4
      """.replacingOccurrences(of: "in/b, c.png", with: "\"in/b, c.png\"")
    XCTAssertEqual(try labels(text, in: files).labels, [0, 1, 2, 3, 4])
    // A folder that is named by a link.
    let contents = try ImageFolder.contents(of: files.path("link"), withClasses: false)
    let path = try files.write(Array("\(files.path("in/sub/d.png")),x\nlink/a.png,y".utf8), to: "l")
    XCTAssertEqual(try PictureLabels(contentsOf: path, for: contents).labels, [1, 0, nil])
  }

  func testPathsWithoutAPictureAreNoted() throws {
    let files = try TemporaryFiles(for: self)
    let labels = try labels("a.png,x\nnone.png,y\n../a.png,z\nsub/a.png,x\n", in: files)
    XCTAssertEqual(labels.unknownPaths, ["none.png", "../a.png"])
    // The classes of pictures that are there.
    XCTAssertEqual(labels.classNames, ["x"])
  }

  func testWhatIsWrong() throws {
    for (text, reason) in [
      ("", "needs rows of a path and a label; there is none"),
      ("path,label\n", "needs rows of a path and a label; there is none"),
      ("a.png,x\nsub/a.png\n", "line 2: needs 2 fields, a path and a label; got 1"),
      ("a.png,x,1\n", "line 1: needs 2 fields, a path and a label; got 3"),
      (
        "a.png;x\n",
        "line 1: needs 2 fields, a path and a label; got 1, divided by semicolons rather than commas"
      ),
      (
        "a.png\tx\n",
        "line 1: needs 2 fields, a path and a label; got 1, divided by tabs rather than commas"
      ),
      (
        "path,label,id\na.png,x\n", "line 2: needs 3 fields, as the first row has; got 2"
      ),
      ("a.png,x\nsub/a.png, \n", "line 2: needs a label for sub/a.png; it is empty"),
      (",x\n", "line 1: needs a path; it is empty"),
      (
        "a.png,x\nsub/a.png,x\n./a.png,y\n",
        "line 3: needs one label for each picture; ./a.png is y here and x in line 1"
      ),
    ] {
      let files = try TemporaryFiles(for: self)
      assertFails(files.path("labels.csv"), reason) { try labels(text, in: files) }
    }
    // The same label twice says nothing new.
    XCTAssertEqual(try labels("a.png,x\na.png,x\n", in: TemporaryFiles(for: self)).count, 1)
    let files = try TemporaryFiles(for: self)
    assertFails(
      files.path("labels.csv"),
      "needs paths of pictures in \(files.path("in")); none of 2 is one. The first is x/1.png, and "
        + "the first picture is \(files.path("in/a.png"))"
    ) { try labels("x/1.png,a\nx/2.png,b\n", in: files) }
    assertFails(files.path("none"), "needs a file; there is none") {
      try PictureLabels(
        contentsOf: files.path("none"), for: ImageFolder.contents(of: files.path("in")))
    }
  }

  /// Pictures beside subdirectories count, and subdirectories are no classes.
  func testAFolderWithoutItsClasses() throws {
    let files = try TemporaryFiles(for: self)
    for folder in ["a", "b"] {
      for number in 0..<10 { try files.make("\(folder)/\(number).png") }
    }
    try files.make("stray.png")
    let with = try ImageFolder.contents(of: files.directory)
    let without = try ImageFolder.contents(of: files.directory, withClasses: false)
    XCTAssertEqual(with.count, 20)
    XCTAssertEqual(with.classNames, ["a", "b"])
    XCTAssertEqual(without.count, 21)
    XCTAssertEqual(without.labels, [])
    XCTAssertEqual(without.problems, [])
    XCTAssertEqual(without.description, "21 pictures, no classes")
  }

  /// Whether they are decoded at once or when they are needed, and where one is damaged.
  func testImagesWithLabels() throws {
    let files = try TemporaryFiles(for: self)
    let labels = try labels("sub/d.png,tree\na.png,lake\nsub/a.png,tree\n", in: files)
    try files.write([1, 2, 3], to: "in/a.png")
    let contents = try ImageFolder.contents(of: files.path("in"), withClasses: false)
    let images = try ImageFolder.load(contents, imageSize: 8, onDecodingError: { _ in })
    XCTAssertEqual(images.count, 4)
    let labeled = labels.labeled(images)
    XCTAssertEqual(labeled.labels, [1, 1])
    XCTAssertEqual(
      labeled.indices.map { images.paths[$0] },
      [
        files.path("in/sub/a.png"), files.path("in/sub/d.png"),
      ])
    XCTAssertEqual(labeled.classNames, ["lake", "tree"])
    let lazy = labels.labeled(
      try ImageFolder.open(contents, imageSize: 8, onDecodingError: { _ in }))
    XCTAssertEqual(lazy.labels, [0, 1, 1])
    XCTAssertEqual(lazy.indices, [0, 2, 3])
    XCTAssertEqual(lazy.images(at: [1]).scalars, labeled.images(at: [0]).scalars)
  }
}

extension TemporaryFiles {
  /// An empty file, in a directory that is made.
  fileprivate func make(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: (path(name) as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try write([], to: name)
  }
}
