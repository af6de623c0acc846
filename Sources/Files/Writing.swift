import Foundation
import Synchronization

/// Writes a file whole or not at all: to a temporary name beside it, synced, then renamed.
///
/// A link stays one: the file it points to is replaced. What a rename cannot or must not replace is
/// written in place, after all of it has been made: a bind mount, a device, a pipe. A file that was
/// there keeps its permissions.
///
/// - Throws: ``FileError`` with the system's reason; nothing is left behind.
package func writeAtomically(to path: String, _ write: (FileHandle) throws -> Void) throws {
  let target = resolvingLinks(path)
  var status = stat()
  let isThere = stat(target, &status) == 0
  if isThere, FileKind(status.st_mode) != .file {
    guard FileKind(status.st_mode) != .directory else {
      throw FileError(path, "cannot be written: it is a directory", .unwritable)
    }
    return try writeInPlace(target, named: path, write)
  }
  removeLeftovers(of: target)
  let (temporary, descriptor) = TemporaryName.create(for: target)
  guard descriptor >= 0 else { throw unwritable(path, systemReason()) }
  // Held until the file is closed: who sees it knows that the writer lives, in another container too.
  flock(descriptor, LOCK_EX | LOCK_NB)
  let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  defer { unlink(temporary) }
  do {
    if isThere { fchmod(descriptor, status.st_mode & 0o7777) }
    try write(handle)
    try sync(descriptor, path)
    guard rename(temporary, target) != 0 else {
      syncDirectory(target.directoryOfPath)
      return try handle.close()
    }
    // A file that something is mounted on.
    guard errno == EBUSY || errno == EXDEV else {
      throw FileError(path, "cannot be replaced: \(systemReason())", .unwritable)
    }
    try handle.seek(toOffset: 0)
    try writeInPlace(target, named: path) { out in
      while let part = try handle.read(upToCount: 1 << 20), !part.isEmpty {
        try out.write(contentsOf: part)
      }
    }
  } catch {
    throw named(error, path)
  }
}

private func writeInPlace(
  _ target: String, named path: String, _ write: (FileHandle) throws -> Void
) throws {
  let descriptor = open(target, O_WRONLY | O_TRUNC | O_CLOEXEC)
  guard descriptor >= 0 else { throw unwritable(path, systemReason()) }
  let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  do {
    try write(handle)
    try sync(descriptor, path)
    try handle.close()
  } catch {
    throw named(error, path)
  }
}

/// Brings a file to the disk, where its kind of file system can.
private func sync(_ descriptor: Int32, _ path: String) throws {
  guard fsync(descriptor) != 0, ![EINVAL, ENOTSUP, EROFS, ENOSYS].contains(errno) else { return }
  throw unwritable(path, systemReason())
}

/// Brings a new name to the disk, without which the old file may be there again after a loss of power.
/// A system that cannot has the contents all the same.
private func syncDirectory(_ path: String) {
  let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  fsync(descriptor)
  close(descriptor)
}

/// The path that links lead to; it need not exist.
private func resolvingLinks(_ path: String) -> String {
  var (path, target) = (path, [CChar](repeating: 0, count: Int(PATH_MAX)))
  for _ in 0..<40 {
    let length = readlink(path, &target, target.count)
    guard length > 0 else { break }
    let name = String(decoding: target.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    path =
      name.hasPrefix("/") ? name : path.directoryOfPath + "/" + name
  }
  return path
}

private func named(_ error: any Error, _ path: String) -> FileError {
  error as? FileError ?? unwritable(path, systemReason(of: error))
}

/// The system's words where Foundation says "error 512".
package func systemReason(of error: any Error) -> String {
  let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
  guard let cause, cause.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
  return String(cString: strerror(Int32(cause.code)))
}

private func unwritable(_ path: String, _ reason: String) -> FileError {
  FileError(path, "cannot be written: \(reason)", .unwritable)
}

/// Names of files that are not whole yet: `path.process.number.partial`.
private enum TemporaryName {
  private static let count = Atomic(0)
  private static let ending = ".partial"

  /// A new file of such a name; its descriptor is below zero if the system does not take it.
  static func create(for path: String) -> (name: String, descriptor: Int32) {
    while true {
      let number = count.add(1, ordering: .relaxed).newValue
      let name = "\(path).\(ProcessInfo.processInfo.processIdentifier).\(number)\(ending)"
      let descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      // Another container's process of the same number may be writing there.
      if descriptor >= 0 || errno != EEXIST { return (name, descriptor) }
    }
  }

  /// The process that writes a file of this name; nil if it is none for `name`.
  static func process(of candidate: String, for name: String) -> Int32? {
    guard candidate.hasPrefix(name + "."), candidate.hasSuffix(ending) else { return nil }
    let parts = candidate.dropFirst(name.count + 1).dropLast(ending.count).split(separator: ".")
    guard (1...2).contains(parts.count) else { return nil }
    return parts.allSatisfy({ Int32($0) != nil }) ? Int32(parts[0]) : nil
  }
}

/// Removes what processes that were killed while they saved `path` have left.
private func removeLeftovers(of path: String) {
  let directory = path.directoryOfPath
  let name = path.nameInPath
  let names = try? FileManager.default.contentsOfDirectory(atPath: directory)
  for candidate in names ?? [] {
    guard let process = TemporaryName.process(of: candidate, for: name) else { continue }
    // Another process that is alive may be saving too; one in another container has a number that
    // says nothing here, but its lock.
    let leftover = "\(directory)/\(candidate)"
    if kill(process, 0) != 0, errno == ESRCH, !isLocked(leftover) { unlink(leftover) }
  }
}

/// Whether a process holds a lock on a file.
private func isLocked(_ path: String) -> Bool {
  let descriptor = open(path, O_RDWR | O_CLOEXEC)
  guard descriptor >= 0 else { return false }
  defer { close(descriptor) }
  return flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
}

/// Makes a directory, and those above it; nothing if it is there.
///
/// - Throws: ``FileError`` with the system's reason.
package func makeDirectory(at path: String) throws {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    let reason = obstacle(to: path) ?? systemReason(of: error)
    throw FileError(path, "cannot be made a directory: \(reason)", .unwritable)
  }
}

/// What stands where a directory or one above it should be; nil if nothing does.
private func obstacle(to path: String) -> String? {
  var (place, status) = (path, stat())
  while stat(place, &status) != 0 {
    let above = place.directoryOfPath
    guard above != place else { return nil }
    place = above
  }
  let kind = FileKind(status.st_mode)
  return kind == .directory ? nil : place == path ? "a \(kind) is there" : "\(place) is a \(kind)"
}

/// The system's words for the last error.
func systemReason() -> String { String(cString: strerror(errno)) }
