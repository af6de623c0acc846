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
    let modules: [Data]
    let besides: [Data]
    let oldest: Data
    let unknown: Data
    let hostile: [String: Data]
  }

  private func fixtures() throws -> Fixture {
    try JSONDecoder().decode(
      Fixture.self,
      from: Data(contentsOf: URL(fileURLWithPath: fixture("torch_files.json"))))
  }

  private func state(of file: Data) throws -> StateDict {
    try withTemporaryFolder { folder in
      try file.write(to: URL(fileURLWithPath: folder + "/net.pth"))
      return try StateDict(contentsOf: folder + "/net.pth")
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
      XCTAssertEqual(state.metadata["epoch"], "3", format)
      XCTAssertEqual(state.metadata["loss"], "0.25", format)
      XCTAssertEqual(state.metadata["name"], "été", format)
      XCTAssertEqual(state.metadata["sizes.1"], "70000", format)
      XCTAssertEqual(state.metadata["sizes.2"], "-3", format)
      let network = state.scoped(to: "state_dict")
      XCTAssertEqual(network.entries.first { $0.name == "count" }?.elementType, .int64, format)
    }
  }

  func testEveryTruncationIsAnError() throws {
    let fixtures = try fixtures()
    for (format, file) in [("zip", fixtures.zip), ("legacy", fixtures.legacy)] {
      for length in stride(from: 20, to: file.count - 1, by: 41) {
        XCTAssertThrowsError(try state(of: file.prefix(length)), "\(format), \(length) bytes") {
          XCTAssertTrue($0 is FileError, "\($0)")
        }
      }
    }
  }

  /// A wrong byte gives an error or other numbers, but never stops the program.
  func testDamagedBytesDoNoHarm() throws {
    let fixtures = try fixtures()
    var stream = RandomStream(seed: 0)
    for (format, file) in [("zip", fixtures.zip), ("legacy", fixtures.legacy)] {
      var (read, refused) = (0, 0)
      for _ in 0..<150 {
        var damaged = file
        for _ in 0..<3 {
          damaged[Int(stream.next() % UInt64(file.count - 14)) + 14] = UInt8(stream.next() & 0xff)
        }
        do {
          // What is read has as many numbers as its shapes say.
          for entry in try state(of: damaged).entries {
            XCTAssertEqual(entry.value.scalars.count, entry.value.shape.elementCount, entry.name)
          }
          read += 1
        } catch {
          XCTAssertTrue(error is FileError, "\(format): \(error)")
          refused += 1
        }
      }
      XCTAssertGreaterThan(read, 5, format)
      XCTAssertGreaterThan(refused, 5, format)
    }
  }

  func testWhatIsOfNoUseIsPassedOver() throws {
    for file in try fixtures().besides {
      let state = try state(of: file)
      XCTAssertEqual(state["tensor"]?.scalars, [1, 1])
      XCTAssertEqual(state.names, ["module.weight", "module.bias", "tensor"])
    }
  }

  func testTensorsOfTheOldestFiles() throws {
    let state = try state(of: fixtures().oldest)
    XCTAssertEqual(state["x"]?.shape, [2, 2])
    XCTAssertEqual(state["x"]?.scalars, [0, 2, 1, 3])
  }

  func testTensorsThatCannotBeAreErrors() throws {
    let fixtures = try fixtures()
    XCTAssertEqual(
      try state(of: fixtures.unknown).unreadable,
      [
        .init(
          name: "x",
          reason: "is made by torch._utils _rebuild_meta_tensor_no_storage, which is not known")
      ])
    XCTAssertEqual(fixtures.hostile.count, 5)
    for (name, file) in fixtures.hostile {
      XCTAssertThrowsError(try state(of: file), name) { error in
        XCTAssertTrue("\(error)".hasSuffix("does not fit the 4 numbers there are"), "\(error)")
      }
    }
  }

  /// Values in each other without end, in more ways than can be counted, and deeper than the stack.
  func testEndlessPicklesAreErrors() throws {
    let start: [UInt8] = [
      0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
    ]
    let head: [UInt8] = [0x80, 2, 0x4d, 0xe9, 0x03, 0x2e, 0x80, 2, 0x7d, 0x2e]
    func dictionary(_ value: [UInt8]) -> Data {
      let key: [UInt8] = [0x80, 2, 0x7d, 0x71, 0, 0x58, 1, 0, 0, 0, 0x61]
      let end: [UInt8] = [0x73, 0x2e, 0x80, 2, 0x5d, 0x2e]
      return Data(start + head + key + value + end)
    }
    let itself: [UInt8] = [0x68, 0]
    let doubled = [0x4e] + [[UInt8]](repeating: [0x32, 0x86], count: 60).joined()
    let tuples = [0x4e] + [UInt8](repeating: 0x85, count: 200_000)
    // Each list is put into the one before, which lies below it.
    let lists = [UInt8](repeating: 0x5d, count: 200_000) + [UInt8](repeating: 0x61, count: 199_999)
    for value in [itself, doubled, tuples, lists] {
      XCTAssertThrowsError(try state(of: dictionary(value))) {
        XCTAssertTrue("\($0)".hasSuffix("its pickle is nested too deeply"), "\($0)")
      }
    }
  }

  func testAWholeModuleGivesItsTensors() throws {
    for module in try fixtures().modules {
      let state = try state(of: module)
      XCTAssertEqual(state.names, ["weight", "bias"])
      XCTAssertEqual(state["weight"]?.shape, [1, 1])
    }
  }
}
