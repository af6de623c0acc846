import Foundation

/// A file could not be read or written, or is not what it should be.
public struct FileError: Error, CustomStringConvertible, LocalizedError {
  /// The file.
  public let path: String
  /// What was needed and what came.
  public let reason: String

  /// An error about the file at `path`.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// The path and the reason.
  public var description: String { "\(path): \(reason)" }

  /// The path and the reason.
  public var errorDescription: String? { description }
}

/// Writes a file whole or not at all: to a temporary name beside it, synced, then renamed.
///
/// - Throws: ``FileError`` with the system's reason; nothing is left behind.
package func writeAtomically(to path: String, _ write: (FileHandle) throws -> Void) throws {
  let temporary = path + ".\(ProcessInfo.processInfo.processIdentifier).partial"
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  guard descriptor >= 0 else {
    throw FileError(path: path, reason: "cannot be written: \(systemReason())")
  }
  let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  do {
    try write(handle)
    guard fsync(descriptor) == 0 else {
      throw FileError(path: path, reason: "cannot be written: \(systemReason())")
    }
    try handle.close()
    guard rename(temporary, path) == 0 else {
      throw FileError(path: path, reason: "cannot be replaced: \(systemReason())")
    }
  } catch {
    unlink(temporary)
    if let error = error as? FileError { throw error }
    throw FileError(path: path, reason: "cannot be written: \(error.localizedDescription)")
  }
}

/// Makes a directory, and those above it; nothing if it is there.
///
/// - Throws: ``FileError`` with the system's reason.
package func makeDirectory(at path: String) throws {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw FileError(
      path: path, reason: "cannot be made a directory: \(error.localizedDescription)")
  }
}

private func systemReason() -> String { String(cString: strerror(errno)) }
