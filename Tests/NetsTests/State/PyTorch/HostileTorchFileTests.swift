import Files
import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Nets

/// Files that ask for more time or memory than a file of their size can need.
final class HostileTorchFileTests: XCTestCase {
  private typealias Bytes = [UInt8]

  private func text(_ text: String) -> Bytes { text_(Bytes(text.utf8)) }

  private func text_(_ letters: Bytes) -> Bytes {
    [0x58] + (0..<4).map { UInt8(truncatingIfNeeded: letters.count >> (8 * $0)) } + letters
  }

  private func integer(_ number: Int) -> Bytes {
    [0x8a, 8] + (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  private func tuple(_ items: Bytes...) -> Bytes { [0x28] + items.joined() + [0x74] }

  private func tensor(_ sizes: [Int], _ strides: [Int]) -> Bytes {
    Bytes("ctorch._utils\n_rebuild_tensor_v2\n".utf8)
      + tuple(
        tuple(
          text("storage"), Bytes("ctorch\nFloatStorage\n".utf8), text("0"), text("cpu"), integer(16)
        )
          + [0x51], integer(0), [0x28] + sizes.flatMap(integer) + [0x74],
        [0x28] + strides.flatMap(integer) + [0x74], [0x89],
        Bytes("ccollections\nOrderedDict\n)R".utf8))
      + [0x52]
  }

  private func entry(_ key: String, _ value: Bytes) -> Bytes { [0x7d] + text(key) + value + [0x73] }

  private func read(_ pickle: Bytes, more: [(String, Data)] = []) throws -> StateDict {
    let zip = storedZip(
      [("a/data.pkl", Data([0x80, 2] + pickle + [0x2e])), ("a/data/0", Data(count: 64))] + more)
    return try TorchFile(zip, path: "f").state
  }

  private func assertRefused(
    _ pickle: Bytes, more: [(String, Data)] = [], _ reason: String, line: UInt = #line
  ) {
    let start = ContinuousClock.now
    XCTAssertThrowsError(try read(pickle, more: more), line: line) {
      XCTAssertEqual("\($0)", "f: torch.save's file cannot be read: " + reason, line: line)
    }
    XCTAssertLessThan(ContinuousClock.now - start, .seconds(5), line: line)
  }

  private let tooMuch = "it holds more than a file of its size can: it is damaged, or hostile"

  func testTheTensorThatTheOthersAreMadeOf() throws {
    XCTAssertEqual(try read(entry("a", tensor([2, 3], [3, 1])))["a"]?.shape, [2, 3])
  }

  func testMoreAxesThanTorchHas() throws {
    for count in [65, 200_000] {
      let ones = [Int](repeating: 1, count: count)
      assertRefused(entry("a", tensor(ones, ones)), "a has \(count) axes; 64 can be read")
    }
    let ones = [Int](repeating: 1, count: 64)
    XCTAssertEqual(try read(entry("a", tensor(ones, ones)))["a"]?.rank, 64)
  }

  /// The stride of an axis of one number is never used.
  func testAnyStrideOfOneNumber() throws {
    XCTAssertEqual(try read(entry("a", tensor([1, 2], [.max, 1])))["a"]?.shape, [1, 2])
    XCTAssertEqual(try read(entry("a", tensor([2, 1, 2], [2, .max, 1])))["a"]?.shape, [2, 1, 2])
  }

  /// The reader's own code visits the arguments of a call, so many calls must not share them.
  func testOneListHandedToManyCalls() {
    let list: Bytes = [0x5d, 0x28] + Bytes(repeating: 0x4e, count: 100_000) + [0x65]
    let function: Bytes = Bytes("cx\ny\n".utf8) + [0x71, 0, 0x30]
    let calls = Bytes([Bytes](repeating: [0x68, 0, 0x68, 1, 0x52, 0x30], count: 100_000).joined())
    assertRefused(
      function + list + [0x71, 1, 0x30] + calls + entry("a", [0x4e]), "its pickle is damaged")
  }

  /// The same with a tuple, which a call may have: it is kept, not copied, so that ten times the calls
  /// take about ten times as long.
  func testOneTupleHandedToManyCalls() throws {
    let tuple: Bytes = [0x28] + Bytes(repeating: 0x4e, count: 100_000) + [0x74]
    let function: Bytes = Bytes("cx\ny\n".utf8) + [0x71, 0, 0x30]
    func seconds(calls count: Int) throws -> Double {
      let call: Bytes = [0x68, 0, 0x68, 1, 0x52, 0x30]
      let calls = Bytes([Bytes](repeating: call, count: count).joined())
      let start = ContinuousClock.now
      XCTAssertEqual(
        try read(function + tuple + [0x71, 1, 0x30] + calls + entry("a", self.tensor([1], [1])))
          .names,
        ["a"])
      return (ContinuousClock.now - start) / .seconds(1)
    }
    _ = try seconds(calls: 100)
    // Copies of the tuple would make it a thousand times: 100,000 calls of 100,000 numbers.
    XCTAssertLessThan(try seconds(calls: 100_000), 100 * (try seconds(calls: 10_000)))
  }

  func testOneListThatManyDictionariesAreMadeOf() {
    let pairs: Bytes =
      [0x4e, 0x4e, 0x86, 0x71, 2, 0x30, 0x5d, 0x28]
      + Bytes([Bytes](repeating: [0x68, 2], count: 50_000).joined()) + [0x65, 0x85, 0x71, 1, 0x30]
    let function: Bytes = Bytes("ccollections\nOrderedDict\n".utf8) + [0x71, 0, 0x30]
    let calls = Bytes([Bytes](repeating: [0x68, 0, 0x68, 1, 0x52], count: 50_000).joined())
    assertRefused(function + pairs + calls + entry("a", [0x4e]), tooMuch)
  }

  func testLongNamesBeforeManyOthers() {
    let long = text_(Bytes(repeating: 0x6e, count: 1_000_000))
    let numbers: [Bytes] = (0..<60_000).map { integer($0) + [0x4b, 1] }
    let inner: Bytes = [0x7d, 0x28] + numbers.joined() + [0x75]
    assertRefused([0x7d] + long + inner + [0x73], tooMuch)
    let texts: [Bytes] = (0..<60_000).map { integer($0) + [0x68, 0] }
    let remembered: Bytes = [0x7d] + text("x") + long + [0x71, 0, 0x73]
    let filled: Bytes = remembered + [0x28] + texts.joined() + [0x75]
    assertRefused([0x7d] + text("a") + filled + [0x73], tooMuch)
  }

  /// Each byte makes an empty list.
  func testManyEmptyContainers() {
    assertRefused(Bytes(repeating: 0x5d, count: 1_000_000) + entry("a", [0x4e]), tooMuch)
  }

  /// 64 bytes, a thousand times, as four million numbers each.
  func testManyTensorsOfTheSameBytes() {
    let tensors: Bytes = (0..<1_000).flatMap { text("t\($0)") + tensor([1 << 22], [0]) }
    assertRefused(
      [0x7d, 0x28] + tensors + [0x75],
      "t2 of shape [4194304] does not fit the 16 numbers there are")
  }

  func testNamesOfFunctionsAreShort() {
    assertRefused(
      Bytes("c".utf8) + Bytes(repeating: 0x78, count: 600) + Bytes("\ny\n".utf8),
      "its pickle is damaged")
  }

  func testTwoPickles() {
    let pickle = Data([0x80, 2] + entry("zzz", [0x4b, 1]) + [0x2e])
    assertRefused(
      entry("a", tensor([4], [1])), more: [("b/data.pkl", pickle)],
      "its zip archive needs one data.pkl; it has 2")
    assertRefused(
      entry("a", tensor([4], [1])), more: [("a/data.pkl", pickle)],
      "its zip archive has two files called a/data.pkl")
    assertRefused(
      entry("a", tensor([4], [1])), more: [("a/data/0", Data(count: 64))],
      "its zip archive has two files called a/data/0")
  }

  func testAppendingToWhatIsNoContainer() {
    for code: UInt8 in [0x61, 0x73] {
      assertRefused([0x4e, 0x4e, 0x4e, code], "its pickle is damaged")
    }
  }
}

/// A zip archive of files that are stored as they are.
private func storedZip(_ files: [(name: String, contents: Data)]) -> Data {
  func bytes(_ number: Int, _ count: Int) -> Data {
    Data((0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
  }
  var (archive, directory) = (Data(), Data())
  for (name, contents) in files {
    let sizes =
      bytes(0, 4) + bytes(contents.count, 4) + bytes(contents.count, 4) + bytes(name.utf8.count, 2)
    directory +=
      bytes(0x0201_4b50, 4) + bytes(0, 12) + sizes + bytes(0, 12) + bytes(archive.count, 4)
    directory += Data(name.utf8)
    archive += bytes(0x0403_4b50, 4) + bytes(0, 10) + sizes + bytes(0, 2) + Data(name.utf8)
    archive += contents
  }
  let count = bytes(files.count, 2)
  return archive + directory + bytes(0x0605_4b50, 4) + bytes(0, 4) + count + count
    + bytes(directory.count, 4) + bytes(archive.count, 4) + bytes(0, 2)
}
