import Files
import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Nets

/// The format's own rules, at reading and at writing.
final class SafetensorsRulesTests: XCTestCase {
  private func read(_ header: Data, _ numbers: [UInt8] = []) throws -> StateDict {
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
    return try StateDict(safetensors: length + header + numbers, path: "f")
  }

  private func assertRefused(
    _ header: String, _ count: Int, _ reason: String, line: UInt = #line
  ) {
    XCTAssertThrowsError(try read(Data(header.utf8), .init(repeating: 0, count: count)), line: line)
    {
      XCTAssertTrue($0 is FileError, line: line)
      XCTAssertEqual("\($0)", "f: " + reason, line: line)
    }
  }

  private func tensor(_ name: String, _ shape: String, _ range: String, _ type: String = "F32")
    -> String
  {
    #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(range)}"#
  }

  func testEveryByteHasOneOwner() {
    let (a, b) = (tensor("a", "[1]", "[0,4]"), { range in self.tensor("b", "[1]", range) })
    assertRefused("{\(a)}", 8, "no tensor owns the last 4 bytes")
    assertRefused("{}", 8, "no tensor owns the last 8 bytes")
    assertRefused("{\(a),\(b("[8,12]"))}", 12, "no tensor owns the bytes from 4 to 8")
    assertRefused("{\(b("[4,8]"))}", 8, "no tensor owns the bytes from 0 to 4")
    assertRefused("{\(a),\(b("[0,4]"))}", 4, "\"b\" begins at byte 0, within \"a\"")
    assertRefused(
      "{\(tensor("a", "[2]", "[0,8]")),\(b("[4,8]"))}", 8, "\"b\" begins at byte 4, within \"a\"")
    XCTAssertEqual(
      try read(
        Data("{\(b("[4,8]")),\(a),\(tensor("c", "[0]", "[4,4]"))}".utf8),
        .init(repeating: 0, count: 8)
      ).names,
      ["a", "c", "b"])
  }

  func testSizesAreIntegers() {
    let reason = "the header's entry \"a\" needs a dtype, a shape and offsets, which are integers"
    for (shape, range) in [
      ("[true]", "[0,4]"), ("[1]", "[false,4]"), ("[1.0]", "[0,4]"), ("[1e0]", "[0,4]"),
      ("[1]", "[0,4.0]"), ("[01]", "[0,4]"), ("[+1]", "[0,4]"), ("[-0]", "[0,0]"),
      ("[99999999999999999999]", "[0,4]"), ("[\"1\"]", "[0,4]"), ("null", "[0,4]"),
      ("[1,]", "[0,4]"), ("[1]", "[0,4,4]"), ("{}", "[0,4]"),
    ] {
      assertRefused("{\(tensor("a", shape, range))}", 4, reason)
    }
    assertRefused(
      #"{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}"#, 4, reason)
    assertRefused(
      "{\(tensor("a", "[" + Array(repeating: "1", count: 65).joined(separator: ",") + "]", "[0,4]"))}",
      4, "\"a\" has 65 axes; 64 can be read")
  }

  func testNamesComeOnce() throws {
    let a = tensor("a", "[1]", "[0,4]")
    assertRefused("{\(a),\(tensor("a", "[1]", "[4,8]"))}", 8, "its header has \"a\" twice")
    assertRefused(
      #"{"__metadata__":{},\#(a),"__metadata__":{}}"#, 4, "its header has \"__metadata__\" twice")
    assertRefused(
      #"{"__metadata__":{"b":"1","b":"2"},\#(a)}"#, 4,
      "its metadata have \"b\" twice, by the same letters or equivalent ones")
    let names = ["\u{e9}", "e\u{301}"]
    let state = try read(
      Data("{\(tensor(names[0], "[1]", "[0,4]")),\(tensor(names[1], "[1]", "[4,8]"))}".utf8),
      [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40])
    XCTAssertEqual(state[names[0]]?.item, 1)
    XCTAssertEqual(state[names[1]]?.item, 2)
  }

  func testMetadataAreTexts() throws {
    for words in [#"{"a":1}"#, #"{"a":{"b":"c"}}"#, #"["a"]"#, #""a""#, #"{"a":null}"#] {
      assertRefused(
        #"{"__metadata__":\#(words)}"#, 0, "its metadata need to be texts under names")
    }
    XCTAssertEqual(try read(Data(#"{"__metadata__":null}"#.utf8)).metadata, [:])
  }

  func testHeadersAreJSONInUTF8() throws {
    let reason = "its header is not JSON in UTF-8: it is not a safetensors file"
    for header in [
      "", " ", "{]", "[]", "{}x", #"{"a"}"#, "{\"a\u{1}\":1}", #"{"\ud800":1}"#, #"{"\x":1}"#,
      #"{"a"#,
    ] {
      assertRefused(header, 0, reason)
    }
    let header = "{\(tensor("a", "[1]", "[0,4]"))}"
    for encoding in [String.Encoding.utf16, .utf16LittleEndian, .utf32] {
      XCTAssertThrowsError(try read(XCTUnwrap(header.data(using: encoding)), [0, 0, 0, 0]))
    }
    XCTAssertThrowsError(try read([0xef, 0xbb, 0xbf] + Data(header.utf8), [0, 0, 0, 0]))
    XCTAssertThrowsError(
      try read(Data(#"{"a"#.utf8) + [0xff] + Data(header.dropFirst(3).utf8), [0, 0, 0, 0]))
    // Escapes, spaces and fields of other programs.
    let state = try read(
      Data(
        " {\"\\ud83d\\ude00\\u00e9\\n\\/\" :\t{\"more\":[{\"b\":-1.5e3}, true, null, \"x\"], \"dtype\" : \"U8\",\"shape\":[ 1 ],\"data_offsets\":[0,1]}}\n"
          .utf8), [7])
    XCTAssertEqual(state.names, ["\u{1f600}\u{e9}\n/"])
    XCTAssertEqual(state.entries.first?.value.item, 7)
    let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
    XCTAssertThrowsError(
      try read(Data(#"{"a":{"x":\#(deep),"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#.utf8)))
  }

  func testOtherTypesDoNotBlockTheRest() throws {
    let header = [
      tensor("eight", "[2]", "[0,2]", "F8_E4M3"), tensor("a", "[1]", "[2,6]"),
      tensor("unsigned", "[1]", "[6,8]", "U16"), tensor("complex", "[1]", "[8,16]", "C64"),
      tensor("four", "[4]", "[16,18]", "F4"), tensor("new", "[9]", "[18,19]", "Q1"),
      tensor("large", "[]", "[19,27]", "I64"), tensor("z", "[1]", "[27,28]", "U8"),
    ].joined(separator: ",")
    let state = try read(
      Data("{\(header)}".utf8),
      [0, 0, 0, 0, 0x80, 0x3f] + .init(repeating: 0xff, count: 20) + [0x7f, 9])
    XCTAssertEqual(state.names, ["a", "z"])
    XCTAssertEqual(state.entries.map(\.value.item), [1, 9])
    XCTAssertEqual(
      state.unreadable.map(\.name), ["eight", "unsigned", "complex", "four", "new", "large"])
    XCTAssertThrowsError(try state.tensor(named: "eight")) {
      XCTAssertEqual(
        "\($0)",
        "the state does not fit: it has tensors that cannot be read: eight, for it is of type "
          + "F8_E4M3; F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL can be read")
    }
    XCTAssertThrowsError(try state.tensor(named: "large")) {
      XCTAssertTrue(
        "\($0)".hasSuffix("holds 9223372036854775807, which no 32-bit float equals"), "\($0)")
    }
    // Parts and other names keep them; what cannot be read cannot be written.
    XCTAssertEqual(state.renamed { "n." + $0 }.scoped(to: "n").unreadable, state.unreadable)
    XCTAssertThrowsError(try state.write(to: "/nowhere")) {
      XCTAssertTrue("\($0)".hasSuffix("removing(\"eight\") leaves it out"), "\($0)")
    }
  }

  func testANetworkSaysWhichTensorItCannotHave() throws {
    let header =
      tensor("weight", "[1,1]", "[0,1]", "F8_E5M2") + "," + tensor("bias", "[1]", "[1,5]")
    let state = try read(Data("{\(header)}".utf8), [0, 0, 0, 0, 0x40])
    let layer = Linear(1, 1)
    XCTAssertThrowsError(try layer.load(state)) {
      XCTAssertTrue(
        "\($0)".contains("it has tensors that cannot be read: weight, for it is of type F8_E5M2"),
        "\($0)")
    }
    let result = try layer.load(state, partially: true)
    XCTAssertEqual(result.unreadable.map(\.name), ["weight"])
    XCTAssertEqual(result.loaded, ["bias"])
    XCTAssertTrue("\(result)".hasPrefix("loaded 1 of 2; the file has, but cannot give, weight"))
    XCTAssertEqual(layer.bias?.value.item, 2)
  }

  // MARK: - Writing

  func testWhatTheFormatCannotHoldIsNotWritten() throws {
    let one = StateDict.Entry("a", Tensor(1))
    let refused: [(StateDict, String)] = [
      (StateDict([one, one]), "it has two tensors called \"a\""),
      (
        StateDict([StateDict.Entry("__metadata__", Tensor(1))]),
        "no tensor can be called \"__metadata__\""
      ),
      (
        StateDict([one], metadata: ["format": "mine"]),
        "no metadata can be called \"format\", which says that it is torch's"
      ),
      (
        StateDict([StateDict.Entry("n", Tensor(.nan), elementType: .int64)]),
        "\"n\" needs integers of 64 bits, got nan"
      ),
      (
        StateDict([StateDict.Entry("n", Tensor(0x1p63), elementType: .int64)]),
        "\"n\" needs integers of 64 bits, got 9.223372e+18"
      ),
    ]
    try withTemporaryFolder { folder in
      let path = folder + "/f"
      try StateDict([one]).write(to: path)
      for (state, reason) in refused {
        XCTAssertThrowsError(try state.write(to: path)) {
          XCTAssertEqual("\($0)", "\(path): cannot be written: \(reason)")
          XCTAssertEqual(($0 as? FileError)?.kind, .unwritable)
        }
        XCTAssertEqual(try StateDict(contentsOf: path).names, ["a"])
      }
    }
  }

  func testOddNamesComeBack() throws {
    let names = ["\u{e9}", "e\u{301}", "\u{301}", "a\0b", "\u{1f600}", "\"\\/\n\u{7f}", ""]
    let words = ["\u{301}mark": "\u{301}", "": "\u{2028}", "x\0": "e\u{301}"]
    let state = StateDict(
      names.enumerated().map { StateDict.Entry($1, Tensor(Float($0))) }, metadata: words)
    try withTemporaryFolder { folder in
      try state.write(to: folder + "/f")
      let copy = try StateDict(contentsOf: folder + "/f")
      XCTAssertEqual(copy.names.map { Array($0.utf8) }, names.map { Array($0.utf8) })
      XCTAssertEqual(copy.entries.map(\.value.item), names.indices.map { Float($0) })
      XCTAssertEqual(copy.metadata, words)
    }
  }

  func testAPointerOfGitLFS() {
    let pointer = Data("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n".utf8)
    XCTAssertThrowsError(try StateDict(safetensors: pointer, path: "f")) {
      XCTAssertEqual(
        "\($0)", "f: it is a pointer of Git LFS, not the file: git lfs pull fetches it")
    }
  }

  /// The file of a pipe would be waited for.
  func testAPipeIsRefused() throws {
    try withTemporaryFolder { folder in
      XCTAssertEqual(mkfifo(folder + "/pipe", 0o600), 0)
      XCTAssertThrowsError(try StateDict(contentsOf: folder + "/pipe")) {
        XCTAssertEqual("\($0)", "\(folder)/pipe: needs a file; this is a pipe")
      }
      XCTAssertThrowsError(try StateDict(contentsOf: "/dev/zero")) {
        XCTAssertEqual("\($0)", "/dev/zero: needs a file; this is a device")
      }
    }
  }

  func testFilesOfOneByte() throws {
    for byte in UInt8.min...UInt8.max {
      XCTAssertThrowsError(try StateDict(safetensors: Data([byte]), path: "f")) {
        XCTAssertTrue($0 is FileError)
      }
    }
  }
}
