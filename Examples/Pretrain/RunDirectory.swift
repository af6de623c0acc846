import Arguments
import Files
import Foundation
import Training

/// Where a run's files are.
struct RunDirectory {
  let path: String
  var backbone: String { path + "/backbone.safetensors" }
  var onnx: String { path + "/network.onnx" }
  var metrics: String { path + "/metrics.jsonl" }
  var report: String { path + "/report.html" }

  /// The directory of a run, made if it is not there.
  ///
  /// - Throws: ``UsageError`` if it has a run that may not be replaced, `FileError` if it cannot be
  ///   made.
  init(_ options: Options) throws {
    guard let output = options.output else {
      path = try Self.makeNew(options)
      return
    }
    path = output
    let isNew = options.former == nil && options.replay == nil
    if isNew, !options.overwrites, let file = try? Self.runFiles(in: output).first {
      throw UsageError(
        "--out \(output) has a run already: \(file). --resume \(output) goes on with it, "
          + "--overwrite removes it")
    }
    try makeDirectory(at: output)
  }

  /// The directory of a run that is there.
  init(existing directory: String) { path = directory }

  /// The directory of a run that has begun.
  ///
  /// - Throws: `FileError` if it has no log.
  init(withLogIn directory: String) throws {
    path = directory
    guard FileManager.default.fileExists(atPath: metrics) else {
      throw FileError(
        path: metrics, reason: "a report needs the log of a run; there is none", kind: .unreadable)
    }
  }

  /// A directory that no other run has, also if that began in the same second.
  private static func makeNew(_ options: Options) throws -> String {
    let name = options.dataName
    let base = "runs/\(name)-\(options.method.rawValue)-\(timeStamp())"
    try makeDirectory(at: "runs")
    for number in 1... {
      let path = number == 1 ? base : "\(base)-\(number)"
      if mkdir(path, 0o777) == 0 { return path }
      guard errno == EEXIST else { break }
    }
    throw FileError(
      path: base, reason: "cannot be made a directory: \(String(cString: strerror(errno)))",
      kind: .unwritable)
  }

  private static func timeStamp() -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyyMMdd-HHmmss"
    return formatter.string(from: Date())
  }

  /// Whether files of a run are in a directory.
  static func holdsRun(_ directory: String) -> Bool {
    (try? runFiles(in: directory).isEmpty) == false
  }

  /// Keeps other trainings from writing here while the lock lives.
  ///
  /// - Throws: `FileError` if one does so now.
  func lock() throws -> DirectoryLock {
    guard let lock = try DirectoryLock(path) else {
      throw FileError(
        path: path, reason: "another process trains here; wait for its end, or take another --out",
        kind: .unwritable)
    }
    return lock
  }

  /// Removes the directory if nothing is in it.
  func removeIfEmpty() { rmdir(path) }

  /// Removes what an earlier run has left, which would be taken for this one's.
  func removeFormerRun() throws {
    for name in try Self.runFiles(in: path) {
      do {
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
      } catch {
        throw FileError(
          path: "\(path)/\(name)", reason: "cannot be removed: \(systemReason(of: error))",
          kind: .unwritable)
      }
    }
  }

  /// The files that runs write and that are there, but for empty ones, which say nothing.
  private static func runFiles(in directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted().filter { name in
      let isOfARun =
        [
          "checkpoint.safetensors", "backbone.safetensors", "metrics.jsonl", "report.html",
          "network.onnx",
        ].contains(name)
        || ["best-epoch-", "nonfinite-step-"].contains(where: name.hasPrefix)
        || TensorBoardLog.writes(name)
      var status = stat()
      return isOfARun && stat("\(directory)/\(name)", &status) == 0 && status.st_size > 0
        && status.st_mode & S_IFMT == S_IFREG
    }
  }
}
