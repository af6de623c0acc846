import Datasets
import Foundation
import Images
import Tensor
import TestSupport
import XCTest

@testable import Training

final class EventFileTests: XCTestCase {
  /// The examples of RFC 3720, appendix B.4, and the usual one of nine digits.
  func testCRC32C() {
    for (bytes, sum) in [
      ([], 0), (Array("123456789".utf8), 0xe306_9283),
      ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
      ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43), (Array(0..<32), 0x46dd_794e),
      (Array((0..<32).reversed()), 0x113f_db5c),
    ] as [([UInt8], UInt32)] { XCTAssertEqual(CRC32C.checksum(bytes), sum) }
  }

  private struct Expected: Decodable {
    let message: String
    let record: String
  }

  /// `Fixtures/tensorboard_events.py` made the same events by TensorBoard's classes.
  func testEventsAreThoseOfTensorBoard() throws {
    let fixture = try JSONDecoder().decode(
      [String: Expected].self,
      from: Data(contentsOf: URL(fileURLWithPath: fixture("tensorboard-events.json"))))
    let events: [String: EventRecord] = [
      "version": .init(time: 1.5, step: 0, content: .fileVersion("brain.Event:2")),
      "start": .init(time: 2.25, step: 41, content: .start),
      "numbers": .init(
        time: 1.7e9 + 0.1, step: 300,
        content: .summary([
          .scalar(tag: "train/loss", 0.1), .scalar(tag: "method/größe", 0),
          .scalar(tag: "evaluation/knn", .infinity),
        ])),
      "picture": .init(
        time: 3, step: 0,
        content: .summary([
          .picture(tag: "views", size: Size2D(height: 2, width: 300), png: Array(0..<200))
        ])),
      "long": .init(time: 4, step: 1 << 40 + 5, content: .fileVersion("")),
    ]
    XCTAssertEqual(Set(events.keys), Set(fixture.keys))
    for (name, event) in events {
      let message = event.message.bytes
      XCTAssertEqual(hexadecimal(message), fixture[name]?.message, name)
      XCTAssertEqual(hexadecimal(EventFile.record(message)), fixture[name]?.record, name)
    }
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String(format: "%02x", $0) }.joined()
  }

  /// TensorBoard reads files in the order of their names, also when a clock was set back.
  func testALaterFileHasALaterName() throws {
    try withTemporaryFolder { folder in
      let future = folder + "/events.out.tfevents.9000000000.elsewhere"
      XCTAssertTrue(FileManager.default.createFile(atPath: future, contents: nil))
      let paths = try (0..<3).map { try EventFile(in: folder, after: $0).path }
      XCTAssertEqual(Set(paths).count, 3)
      XCTAssertEqual(paths, paths.sorted())
      XCTAssertTrue(paths[0].hasPrefix(folder + "/events.out.tfevents.9000000001."), paths[0])
    }
  }

  /// Half a record would hide all that follow.
  func testARecordThatThereIsNoRoomForLeavesNothing() throws {
    try withTemporaryFolder { folder in
      var file = try EventFile(in: folder, after: 0)
      try file.write(.summary([.scalar(tag: "a", 1)]), step: 1)
      let whole = try Data(contentsOf: URL(fileURLWithPath: file.path))
      try withFilesUpTo(whole.count + 10) {
        XCTAssertThrowsError(try file.write(.summary([.scalar(tag: "a", 2)]), step: 2)) { error in
          XCTAssertEqual("\(error)", "\(file.path): cannot be written: File too large")
          XCTAssertEqual((error as? FileError)?.kind, .unwritable)
        }
      }
      XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: file.path)), whole)
      try file.write(.summary([.scalar(tag: "a", 3)]), step: 3)
      XCTAssertEqual(try SavedEvent.all(in: file.path).map(\.step), [0, 1, 1, 3])
    }
  }

  func testADirectoryThatIsNotThere() {
    XCTAssertThrowsError(try TensorBoardLog(in: "/proc/none")) { error in
      XCTAssertEqual((error as? FileError)?.kind, .unwritable)
    }
  }
}

/// Runs `body` while no file of this process can grow beyond a size, as if the disk were full.
func withFilesUpTo(_ size: Int, _ body: () throws -> Void) rethrows {
  let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
  var before = rlimit()
  getrlimit(resource, &before)
  var limit = rlimit(rlim_cur: rlim_t(size), rlim_max: before.rlim_max)
  let handler = signal(SIGXFSZ, SIG_IGN)
  setrlimit(resource, &limit)
  defer {
    setrlimit(resource, &before)
    signal(SIGXFSZ, handler)
  }
  try body()
}

/// An event of a file, read without the code that wrote it.
struct SavedEvent {
  private(set) var step = 0
  private(set) var version: String?
  private(set) var scalars: [String: Float] = [:]
  private(set) var pictures: [String: [UInt8]] = [:]
  private(set) var isStart = false

  /// The events of a file; check sums are tested elsewhere.
  static func all(in path: String) throws -> [SavedEvent] {
    var rest = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))[...]
    var events: [SavedEvent] = []
    while !rest.isEmpty {
      let length = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      let message = rest.dropFirst(12).prefix(length)
      XCTAssertEqual(rest.count >= 16 + length, true, "the file ends in a record")
      events.append(SavedEvent(Array(message)))
      rest = rest.dropFirst(16 + length)
    }
    return events
  }

  private init(_ message: [UInt8]) {
    for field in Self.fields(message) {
      switch field.number {
      case 2: step = field.varint
      case 3: version = String(decoding: field.bytes, as: UTF8.self)
      case 5: Self.fields(field.bytes).forEach { add(Self.fields($0.bytes)) }
      case 7: isStart = Self.fields(field.bytes).contains { $0.number == 1 && $0.varint == 1 }
      default: break
      }
    }
  }

  private mutating func add(_ value: [Field]) {
    let tag = value.first { $0.number == 1 }.map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
    for field in value where field.number == 2 {
      scalars[tag] = Float(
        bitPattern: field.bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
    for field in value where field.number == 4 {
      pictures[tag] = Self.fields(field.bytes).first { $0.number == 4 }?.bytes
    }
  }

  private typealias Field = (number: Int, varint: Int, bytes: [UInt8])

  private static func fields(_ message: [UInt8]) -> [Field] {
    var rest = message[...]
    func varint() -> Int {
      var (value, shift) = (0, 0)
      while let byte = rest.popFirst() {
        value |= Int(byte & 0x7f) << shift
        shift += 7
        if byte < 0x80 { break }
      }
      return value
    }
    var fields: [Field] = []
    while !rest.isEmpty {
      let key = varint()
      switch key & 7 {
      case 0: fields.append((key >> 3, varint(), []))
      case let type:
        let length = type == 1 ? 8 : type == 5 ? 4 : varint()
        fields.append((key >> 3, 0, Array(rest.prefix(length))))
        rest = rest.dropFirst(length)
      }
    }
    return fields
  }
}
