import Foundation
import SelfSupervised

/// The directory that a run writes to.
struct RunFiles {
  let directory: String
  private let metrics: FileHandle

  var metricsPath: String { directory + "/metrics.jsonl" }
  var backbonePath: String { directory + "/backbone.safetensors" }

  /// Makes the directory and begins the log, or goes on with it.
  init(directory: String, goesOn: Bool) throws {
    self.directory = directory
    let path = directory + "/metrics.jsonl"
    try makeDirectory(at: directory)
    let descriptor = open(path, O_WRONLY | O_CREAT | (goesOn ? O_APPEND : O_TRUNC), 0o644)
    guard descriptor >= 0 else {
      throw FileError(path: path, reason: "cannot be written: \(String(cString: strerror(errno)))")
    }
    metrics = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// Adds a line to the log, whole.
  func log(_ record: JSONRecord) throws {
    do {
      try metrics.write(contentsOf: Data((record.line + "\n").utf8))
    } catch {
      throw FileError(
        path: metricsPath, reason: "cannot be written: \(error.localizedDescription)")
    }
  }
}

/// One line of a log, with its fields in the order given.
struct JSONRecord {
  enum Value {
    case string(String)
    case integer(Int)
    case number(Double)
    case flag(Bool)

    /// A number that may be missing.
    static func share(_ value: Float?) -> Value { .number(value.map(Double.init) ?? .nan) }
  }

  private let fields: [(String, Value)]

  init(_ fields: [(String, Value)]) { self.fields = fields }

  /// The fields as JSON; numbers that JSON has no word for are null.
  var line: String {
    let parts = fields.map { name, value in
      switch value {
      case .string(let text): "\"\(name)\":\"\(text)\""
      case .integer(let number): "\"\(name)\":\(number)"
      case .number(let number): "\"\(name)\":\(number.isFinite ? "\(Float(number))" : "null")"
      case .flag(let flag): "\"\(name)\":\(flag)"
      }
    }
    return "{\(parts.joined(separator: ","))}"
  }
}
