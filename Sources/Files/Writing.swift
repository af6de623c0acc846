import Foundation

/// Writes a file whole or not at all: to a temporary name beside it, synced, then renamed.
///
/// - Throws: ``FileError`` with the system's reason; nothing is left behind.
package func writeAtomically(to path: String, _ write: (FileHandle) throws -> Void) throws {
  let temporary = path + ".\(ProcessInfo.processInfo.processIdentifier).partial"
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  guard descriptor >= 0 else {
    throw FileError(path, "cannot be written: \(systemReason())", .unwritable)
  }
  let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  do {
    try write(handle)
    guard fsync(descriptor) == 0 else {
      throw FileError(path, "cannot be written: \(systemReason())", .unwritable)
    }
    try handle.close()
    guard rename(temporary, path) == 0 else {
      throw FileError(path, "cannot be replaced: \(systemReason())", .unwritable)
    }
  } catch {
    unlink(temporary)
    if let error = error as? FileError { throw error }
    throw FileError(path, "cannot be written: \(error.localizedDescription)", .unwritable)
  }
}

/// Makes a directory, and those above it; nothing if it is there.
///
/// - Throws: ``FileError`` with the system's reason.
package func makeDirectory(at path: String) throws {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw FileError(path, "cannot be made a directory: \(error.localizedDescription)", .unwritable)
  }
}

/// The system's words for the last error.
func systemReason() -> String { String(cString: strerror(errno)) }
