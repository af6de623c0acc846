import Foundation

/// The part of zlib that reads .gz files, opened at run time.
struct ZLib: Sendable {

  private let gzopen:
    @convention(c) @Sendable (
      _ path: UnsafePointer<CChar>, _ mode: UnsafePointer<CChar>
    ) -> OpaquePointer?
  private let gzread:
    @convention(c) @Sendable (
      _ file: OpaquePointer, _ buffer: UnsafeMutableRawPointer, _ count: UInt32
    ) -> Int32
  private let gzerror:
    @convention(c) @Sendable (
      _ file: OpaquePointer, _ code: UnsafeMutablePointer<Int32>
    ) -> UnsafePointer<CChar>?
  private let gzclose: @convention(c) @Sendable (_ file: OpaquePointer) -> Int32

  /// The library of this machine, or why there is none.
  static let shared = Result { try ZLib(named: "libz.so.1") }

  init(named name: String) throws {
    let library = try DynamicLibrary(name, package: "zlib1g")
    gzopen = try library.function("gzopen")
    gzread = try library.function("gzread")
    gzerror = try library.function("gzerror")
    gzclose = try library.function("gzclose_r")
  }

  /// The bytes that the .gz file at `path` unpacks to: all, or a few more than `limit` gives for
  /// the first of them.
  ///
  /// - Throws: ``FileError`` if the file is cut short or its check sum is wrong.
  func unpack(_ path: String, limit: (_ start: Data) throws -> Int?) throws -> Data {
    // G: a file too short for its head is an error to zlib 1.3.2, and not a plain one; older
    // versions, to which it always is one, ignore the letter.
    guard let file = gzopen(path, "rbG") else {
      throw FileError(path, "cannot be opened: \(systemReason())")
    }
    defer { _ = gzclose(file) }
    var bytes = Data()
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    var most: Int?
    var failure: String?
    while true {
      // One byte more tells that something follows.
      let wanted = most.map { min(chunk.count, max(0, $0 - bytes.count) + 1) } ?? chunk.count
      let count = chunk.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map { gzread(file, $0, UInt32(wanted)) } ?? 0
      }
      // A file that is cut short reads like a complete one; only gzerror tells, and since zlib 1.3.2
      // only until the next read.
      failure = failure ?? error(of: file)
      guard count > 0 else { break }
      bytes.append(contentsOf: chunk[..<Int(count)])
      if most == nil { most = try limit(bytes) }
      if let most, bytes.count > most { return bytes }
    }
    if let failure {
      throw FileError(
        path, "needs complete gzip data; got an error after \(bytes.count) bytes (\(failure))")
    }
    return bytes
  }

  /// What went wrong in the last read; nil if nothing did.
  private func error(of file: OpaquePointer) -> String? {
    var code: Int32 = 0
    let message = gzerror(file, &code).map { String(cString: $0) } ?? ""
    return code == 0 ? nil : message
  }
}
