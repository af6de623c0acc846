import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Nets

/// Files as `Fixtures/torch_files.py` had torch write them.
final class TorchFileTests: XCTestCase {
  private struct Fixture: Decodable {
    struct Entry: Decodable {
      let shape: [Int]
      let numbers: [Double]
    }

    let tensors: [String: Entry]
    let zip: Data
    let legacy: Data
    let protocol4: Data
    let module: Data
  }

  private func fixtures() throws -> Fixture {
    try JSONDecoder().decode(
      Fixture.self,
      from: Data(contentsOf: URL(fileURLWithPath: fixture("torch_files.json"))))
  }

  private func state(of file: Data) throws -> State {
    try withTemporaryFolder { folder in
      try file.write(to: URL(fileURLWithPath: folder + "/net.pth"))
      return try State(contentsOf: folder + "/net.pth")
    }
  }

  func testEveryTensorOfEveryFormat() throws {
    let fixtures = try fixtures()
    for (format, file) in [
      ("zip", fixtures.zip), ("legacy", fixtures.legacy), ("protocol 4", fixtures.protocol4),
    ] {
      let state = try state(of: file)
      XCTAssertEqual(Set(state.names), Set(fixtures.tensors.keys), format)
      for (name, expected) in fixtures.tensors {
        let value = try XCTUnwrap(state[name])
        XCTAssertEqual(Array(value.shape), expected.shape, "\(name), \(format)")
        XCTAssertEqual(value.scalars, expected.numbers.map { Float($0) }, "\(name), \(format)")
      }
      XCTAssertEqual(state.notes["epoch"], "3", format)
      XCTAssertEqual(state.notes["loss"], "0.25", format)
      XCTAssertEqual(state.notes["name"], "été", format)
      XCTAssertEqual(state.notes["sizes.1"], "70000", format)
      XCTAssertEqual(state.notes["sizes.2"], "-3", format)
      let network = state.below("state_dict")
      XCTAssertEqual(network.entries.first { $0.name == "count" }?.elementType, .int64, format)
    }
  }

  func testEveryTruncationIsAnError() throws {
    let fixtures = try fixtures()
    for (format, file) in [("zip", fixtures.zip), ("legacy", fixtures.legacy)] {
      for length in stride(from: 20, to: file.count - 1, by: 13) {
        XCTAssertThrowsError(try state(of: file.prefix(length)), "\(format), \(length) bytes") {
          XCTAssertTrue($0 is FileError, "\($0)")
        }
      }
    }
  }

  /// Any byte may be wrong: then the file is an error or other numbers, but nothing stops the program.
  func testDamagedBytesDoNoHarm() throws {
    let fixtures = try fixtures()
    var stream = RandomStream(seed: 0)
    for file in [fixtures.zip, fixtures.legacy] {
      for _ in 0..<400 {
        var damaged = file
        for _ in 0..<3 {
          damaged[Int(stream.next() % UInt64(file.count - 14)) + 14] = UInt8(stream.next() & 0xff)
        }
        _ = try? state(of: damaged)
      }
    }
  }

  /// A dictionary that holds itself.
  func testAnEndlessPickleIsAnError() throws {
    let start: [UInt8] = [
      0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
    ]
    let head: [UInt8] = [0x80, 2, 0x4d, 0xe9, 0x03, 0x2e, 0x80, 2, 0x7d, 0x2e]
    let endless: [UInt8] = [
      0x80, 2, 0x7d, 0x71, 0, 0x58, 1, 0, 0, 0, 0x61, 0x68, 0, 0x73, 0x2e,
    ]
    XCTAssertThrowsError(try state(of: Data(start + head + endless + [0x80, 2, 0x5d, 0x2e]))) {
      XCTAssertTrue("\($0)".hasSuffix("its pickle is nested too deeply"), "\($0)")
    }
  }

  func testAWholeModuleIsRefused() throws {
    XCTAssertThrowsError(try state(of: fixtures().module)) { error in
      XCTAssertTrue(
        "\(error)".contains("save the module's state_dict(), not the module"), "\(error)")
    }
  }
}
