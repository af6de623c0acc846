import Foundation
import SelfSupervised

/// The directory that a run writes to.
struct RunFiles {
  let directory: String
  private let metrics: FileHandle

  var metricsPath: String { directory + "/metrics.jsonl" }
  var backbonePath: String { directory + "/backbone.safetensors" }

  /// Makes the directory and begins the log, or goes on with it after a step.
  init(directory: String, goesOnAfter step: Int?) throws {
    self.directory = directory
    try makeDirectory(at: directory)
    let path = directory + "/metrics.jsonl"
    let former = step.map { Self.records(in: path, through: $0) } ?? []
    try writeAtomically(to: path) { file in
      for line in former { try file.write(contentsOf: line + Data("\n".utf8)) }
    }
    let descriptor = open(path, O_WRONLY | O_APPEND)
    guard descriptor >= 0 else {
      throw FileError(
        path: path, reason: "cannot be written: \(String(cString: strerror(errno)))",
        kind: .unwritable)
    }
    metrics = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    guard step == nil else { return }
    // An earlier run's, which would be taken for this one's.
    try? FileManager.default.removeItem(atPath: RunCheckpoint.path(in: directory))
    try BestNetworks(directory: directory, count: 0).removeAll()
  }

  /// The lines of steps and epochs up to a step: those after a checkpoint come again.
  private static func records(in path: String, through step: Int) -> [Data] {
    let lines = (FileManager.default.contents(atPath: path) ?? Data()).split(separator: 10)
    return lines.filter { line in
      guard let record = try? JSONSerialization.jsonObject(with: line) as? [String: Any],
        let number = record["step"] as? Int
      else { return false }
      return number <= step
    }
  }

  /// Adds a line to the log, whole.
  func log(_ record: JSONRecord) throws {
    do {
      try metrics.write(contentsOf: Data((record.line + "\n").utf8))
    } catch {
      throw FileError(
        path: metricsPath, reason: "cannot be written: \(error.localizedDescription)",
        kind: .unwritable)
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
