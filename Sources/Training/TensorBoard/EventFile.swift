import Files
import Foundation

/// A file of events that TensorBoard reads while it grows.
///
/// An event is a record of TFRecord: its length in eight bytes, a check sum of these, the message,
/// and a check sum of that.
struct EventFile {
  /// What the names of all such files begin with.
  static let prefix = "events.out.tfevents."

  let path: String
  private let file: FileHandle
  /// Where the last whole record ends.
  private var length = 0

  /// A new file in a directory that exists, behind those that are there: TensorBoard reads them in
  /// the order of their names.
  ///
  /// - Parameters:
  ///   - directory: Where the file is made.
  ///   - step: The events of later steps in earlier files are out of date.
  /// - Throws: `FileError` if the file cannot be written.
  init(in directory: String, after step: Int) throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let last = names.compactMap(Self.seconds).max()
    let seconds = max(Int(Date().timeIntervalSince1970), (last ?? 0) + 1)
    let path = "\(directory)/\(Self.prefix)\(String(format: "%010ld", seconds)).\(Self.host)"
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw FileError(path, "cannot be written: \(String(cString: strerror(errno)))", .unwritable)
    }
    try self.init(descriptor, named: path, after: step)
  }

  /// Events for an open file, which is closed with this value.
  init(_ descriptor: Int32, named path: String, after step: Int) throws {
    self.path = path
    file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    // From the second version on, a start is an event, and steps may come in any order.
    try write(.fileVersion("brain.Event:2"), step: 0)
    try write(.start, step: step + 1)
  }

  /// Adds an event, whole.
  ///
  /// - Throws: `FileError` if it cannot be written.
  mutating func write(_ content: EventRecord.Content, step: Int) throws {
    let event = EventRecord(time: Date().timeIntervalSince1970, step: step, content: content)
    let record = Self.record(event.message.bytes)
    do {
      try file.write(contentsOf: Data(record))
      length += record.count
    } catch {
      // Nobody could read what follows half a record.
      ftruncate(file.fileDescriptor, off_t(length))
      throw FileError(path, "cannot be written: \(systemReason(of: error))", .unwritable)
    }
  }

  /// A message as a record.
  static func record(_ message: [UInt8]) -> [UInt8] {
    let length = littleEndianBytes(UInt64(message.count))
    return length + littleEndianBytes(CRC32C.masked(length)) + message
      + littleEndianBytes(CRC32C.masked(message))
  }

  /// When a file of this name was begun; nil if it is none of events.
  private static func seconds(_ name: String) -> Int? {
    guard name.hasPrefix(prefix) else { return nil }
    return Int(name.dropFirst(prefix.count).prefix { $0.isASCII && $0.isNumber })
  }

  /// The name of the machine, without asking the network for it.
  private static var host: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: "/", with: "-")
  }
}

/// The cyclic redundancy check of 32 bits by Castagnoli's polynomial (RFC 3720, appendix B.4).
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { rest, _ in
      rest & 1 == 0 ? rest >> 1 : rest >> 1 ^ 0x82f6_3b78
    }
  }

  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { rest, byte in
      rest >> 8 ^ table[Int(UInt8(truncatingIfNeeded: rest) ^ byte)]
    }
  }

  /// The check sum of a record: rotated by 15 bits and moved on, for that of bytes which hold their
  /// own check sum says little.
  static func masked(_ bytes: [UInt8]) -> UInt32 {
    let sum = checksum(bytes)
    return (sum >> 15 | sum << 17) &+ 0xa282_ead8
  }
}
