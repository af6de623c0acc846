import Foundation
import Nets
import SelfSupervised
import Tensor

/// Writes a training's numbers to a file, a JSON object a line.
///
/// Lines that the disk has no room for are lost; the training goes on, and says so once.
public struct MetricsLog: TrainingCallback {
  /// The file.
  public let path: String
  private let interval: Int
  private let file: FileHandle
  private var hasFailed = false

  /// A new file, or one that goes on after a step.
  ///
  /// - Parameters:
  ///   - path: The file, in a directory that exists.
  ///   - interval: Every how many steps a line is written, besides the last step.
  ///   - step: Lines of steps after this one are dropped: they come again. Nil begins anew.
  /// - Throws: `FileError` if the file cannot be written, or is there and cannot be read.
  public init(_ path: String, everySteps interval: Int = 20, after step: Int? = nil) throws {
    self.path = path
    self.interval = interval
    let former = try step.map { try Self.records(in: path, through: $0) } ?? []
    try writeAtomically(to: path) { file in
      for line in former { try file.write(contentsOf: line + Data("\n".utf8)) }
    }
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw FileError(
        path: path, reason: "cannot be written: \(String(cString: strerror(errno)))",
        kind: .unwritable)
    }
    file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// The lines of steps and epochs up to a step; none if there is no file.
  private static func records(in path: String, through step: Int) throws -> [Data] {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    // One that is there and cannot be read must not be replaced.
    return try RawPath(path).contents().split(separator: 10).filter { line in
      guard let record = try? JSONSerialization.jsonObject(with: line) as? [String: Any],
        let number = record["step"] as? Int
      else { return false }
      return number <= step
    }
  }

  /// Adds a line, whole.
  ///
  /// - Throws: `FileError` if it cannot be written.
  public func write(_ record: JSONRecord) throws {
    do {
      try file.write(contentsOf: Data((record.line + "\n").utf8))
    } catch {
      throw FileError(
        path: path, reason: "cannot be written: \(systemReason(of: error))", kind: .unwritable)
    }
  }

  /// Adds a line with the numbers of an evaluation after so many epochs and steps.
  ///
  /// - Throws: `FileError` if it cannot be written.
  public func write(_ metrics: Metrics, epoch: Int, step: Int) throws {
    try write(
      JSONRecord(
        [
          ("event", .string("epoch")), ("epoch", .integer(epoch)), ("step", .integer(step)),
        ] + metrics.map { ($0.name, .number($0.value)) }))
  }

  /// Writes a step's numbers, and those of its evaluations.
  public mutating func callAsFunction(
    after report: StepReport, in trainer: Trainer
  ) throws -> [TrainingEvent] {
    do {
      try writeRecords(report, last: trainer.stepCount)
      hasFailed = false
      return []
    } catch let error as FileError {
      defer { hasFailed = true }
      return hasFailed ? [] : [.notWritten(error)]
    }
  }

  private func writeRecords(_ report: StepReport, last: Int) throws {
    if (report.step - 1).isMultiple(of: interval) || report.step == last {
      try write(report.record)
    }
    for case .evaluation(let metrics) in report.events {
      try write(metrics, epoch: report.epoch + 1, step: report.step)
    }
  }
}

extension StepReport {
  /// A line of the log; its names are older than those of the properties.
  fileprivate var record: JSONRecord {
    JSONRecord(
      [
        ("event", .string("step")), ("step", .integer(step)), ("loss", .number(loss)),
        ("spread", .number(statistics.projectionStd)),
        ("dead_share", .number(statistics.deadFraction)),
        ("effective_rank", .number(statistics.effectiveRank)),
      ] + metrics.map { ($0.name, .number($0.value)) } + [
        ("learning_rate", .number(learningRate)), ("gradient_norm", .number(gradientNorm)),
        ("images_per_second", .number(Float(imagesPerSecond))),
        ("wait_share", .number(Float(waitShare))), ("seconds", .number(Float(seconds))),
      ])
  }
}

/// One line of a log, with its fields in the order given.
public struct JSONRecord {
  /// What a field holds.
  public enum Value {
    /// Text.
    case string(String)
    /// A whole number.
    case integer(Int)
    /// A number; null if JSON has no word for it.
    case number(Float)
    /// True or false.
    case flag(Bool)
  }

  private let fields: [(String, Value)]

  /// Fields in order.
  public init(_ fields: [(String, Value)]) { self.fields = fields }

  /// The fields as JSON.
  public var line: String {
    let parts = fields.map { name, value in
      switch value {
      case .string(let text): "\"\(name)\":\(Self.quoted(text))"
      case .integer(let number): "\"\(name)\":\(number)"
      case .number(let number): "\"\(name)\":\(number.isFinite ? "\(number)" : "null")"
      case .flag(let flag): "\"\(name)\":\(flag)"
      }
    }
    return "{\(parts.joined(separator: ","))}"
  }

  private static func quoted(_ text: String) -> String {
    (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
  }
}
