import Foundation

/// Keeps a directory for one process: a second lock of it cannot be had while the first one lives, also
/// from another container. The system frees it when the process ends, however that happens.
package final class DirectoryLock: Sendable {
  private let descriptor: Int32

  /// Locks a directory; nil if another process, or another object of this one, has locked it.
  ///
  /// A file system that knows no locks keeps nobody out.
  ///
  /// - Throws: ``FileError`` if it cannot be opened.
  package init?(_ path: String) throws {
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path, "cannot be opened: \(systemReason())") }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return nil }
  }

  deinit { close(descriptor) }
}
