import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Nets

final class SafetensorsTests: XCTestCase {
  /// A file of a header in JSON and the bytes behind it.
  private func bytes(_ header: String, _ numbers: [UInt8] = []) -> Data {
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    return length + Data(header.utf8) + Data(numbers)
  }

  private func read(_ data: Data) throws -> StateDict {
    try withTemporaryFolder { folder in
      let path = folder + "/file.safetensors"
      try data.write(to: URL(fileURLWithPath: path))
      return try StateDict(contentsOf: path)
    }
  }

  private func message(_ data: Data) -> String {
    do {
      _ = try read(data)
      return ""
    } catch {
      XCTAssertTrue(error is FileError)
      return "\(error)"
    }
  }

  func testRoundTripBitForBit() throws {
    let odd: [Float] = [
      0, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1 / 3,
    ]
    let state = StateDict([
      StateDict.Entry("a.weight", Tensor(odd)),
      StateDict.Entry("count", Tensor(1_234_567), elementType: .int64),
      StateDict.Entry("empty", Tensor([], shape: [0, 3])),
      StateDict.Entry("quote\" / \u{e9}", Tensor([1, 2, 3, 4], shape: [2, 1, 2])),
    ])
    try withTemporaryFolder { folder in
      let path = folder + "/file.safetensors"
      try state.write(to: path)
      let copy = try StateDict(contentsOf: path)
      XCTAssertEqual(Set(copy.names), Set(state.names))
      for entry in state.entries {
        let value = try XCTUnwrap(copy[entry.name])
        XCTAssertEqual(value.shape, entry.value.shape)
        XCTAssertEqual(value.scalars.map(\.bitPattern), entry.value.scalars.map(\.bitPattern))
      }
      XCTAssertEqual(copy.entries.first { $0.name == "count" }?.elementType, .int64)
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder).count, 1)
    }
  }

  func testMoreOfNothingThanCanBeCountedIsAnError() {
    let header = """
      {"a":{"dtype":"F32","shape":[549755813888,549755813888,0],"data_offsets":[0,0]}}
      """
    XCTAssertTrue(
      message(bytes(header)).hasSuffix(
        "\"a\" cannot have the shape [549755813888, 549755813888, 0]"))
  }

  func testHeaderIsAMultipleOfEightLong() throws {
    try withTemporaryFolder { folder in
      for name in ["a", "ab", "abc"] {
        try StateDict([StateDict.Entry(name, .zeros([1]))]).write(to: folder + "/f")
        let file = try Data(contentsOf: URL(fileURLWithPath: folder + "/f"))
        XCTAssertTrue(file[0].isMultiple(of: 8))
      }
    }
  }

  func testOtherTypesBecomeFloats() throws {
    let cases: [(String, [UInt8], Float)] = [
      ("F64", [0, 0, 0, 0, 0, 0, 0xF8, 0xBF], -1.5),
      ("F16", [0x00, 0xC1], -2.5), ("F16", [0x01, 0x00], 0x1p-24), ("F16", [0xFF, 0x7B], 65_504),
      ("F16", [0x00, 0xFC], -.infinity), ("F16", [0xFF, 0x03], 1023 * 0x1p-24),
      ("BF16", [0x20, 0xC0], -2.5), ("BF16", [0x80, 0x3F], 1),
      ("I64", [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], -2),
      ("I32", [0, 0, 1, 0], 65_536), ("I16", [0xFF, 0xFF], -1), ("I8", [0x80], -128),
      ("U8", [0xFF], 255), ("BOOL", [1], 1),
    ]
    for (type, numbers, expected) in cases {
      let header =
        #"{"x":{"dtype":"\#(type)","shape":[1],"data_offsets":[0,\#(numbers.count)]}}"#
      XCTAssertEqual(try read(bytes(header, numbers))["x"]?.item, expected, "\(type) \(numbers)")
    }
    let nan = #"{"x":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}"#
    XCTAssertEqual(try read(bytes(nan, [1, 0x7E]))["x"]?.item.isNaN, true)
  }

  func testEntriesComeInTheOrderOfTheirBytes() throws {
    let header = """
      {"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},\
      "a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}
      """
    XCTAssertEqual(try read(bytes(header, [7, 8])).names, ["b", "a"])
  }

  func testMalformedHeaders() {
    func one(_ entry: String, _ numbers: [UInt8] = [0, 0, 0, 0]) -> String {
      message(bytes(#"{"x":\#(entry)}"#, numbers))
    }
    XCTAssertTrue(message(Data([1, 2, 3])).contains("needs at least 8 bytes; it has 3"))
    XCTAssertTrue(message(Data()).contains("it has 0"))
    XCTAssertTrue(message(Data(repeating: 0xFF, count: 16)).contains("its header should have"))
    XCTAssertTrue(message(bytes("{]")).contains("not JSON"))
    XCTAssertTrue(message(bytes("[1]")).contains("not JSON"))
    for entry in [
      "3", #"{"dtype":"F32","shape":[1]}"#, #"{"dtype":"F32","shape":[1],"data_offsets":[0]}"#,
      #"{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}"#,
      #"{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#,
      #"{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}"#,
      #"{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}"#,
      #"{"dtype":4,"shape":[1],"data_offsets":[0,4]}"#,
    ] {
      XCTAssertTrue(one(entry).contains("\"x\" needs a dtype, a shape and offsets"), entry)
    }
    XCTAssertTrue(
      one(#"{"dtype":"C64","shape":[1],"data_offsets":[0,4]}"#)
        .contains("needs 8 bytes; its offsets hold 4"))
    XCTAssertTrue(
      one(#"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#)
        .contains("needs 8 bytes; its offsets hold 4"))
    XCTAssertTrue(
      one(#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#)
        .contains("ends at byte 8 and there are 4: the file is truncated"))
  }

  /// The product of these sizes is 2⁷⁸, which is zero in 64 bits.
  func testSizesThatOverflow() {
    let entry = #"{"x":{"dtype":"F32","shape":[549755813888,549755813888],"data_offsets":[0,0]}}"#
    XCTAssertTrue(message(bytes(entry)).contains("its offsets hold 0"))
  }

  func testEveryTruncationIsAnError() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/f"
      try StateDict([StateDict.Entry("a", .ones([3])), StateDict.Entry("b", .ones([2]))]).write(
        to: path)
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      for count in 0..<whole.count {
        XCTAssertNotEqual(message(whole.prefix(count)), "", "the first \(count) bytes were read")
      }
      XCTAssertEqual(message(whole), "")
    }
  }

  func testMissingFileAndFolder() throws {
    try withTemporaryFolder { folder in
      for (path, reason) in [
        (folder + "/none", "needs a file; there is none"),
        (folder, "needs a file; this is a directory"),
      ] {
        XCTAssertThrowsError(try StateDict(contentsOf: path)) { error in
          XCTAssertEqual("\(error)", "\(path): \(reason)")
        }
      }
    }
  }
}
