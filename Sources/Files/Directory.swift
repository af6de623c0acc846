import Foundation

/// A directory's entries, read without opening or asking for one of them where the system says
/// what they are.
package struct Directory {
  /// A name in a directory.
  package struct Entry: Sendable {
    package let name: [UInt8]
    /// What stands behind the name; for a link what it points to, and nil if that is not there.
    package let kind: FileKind?
    package let isLink: Bool
  }

  /// The visible entries, in the order of their names' bytes.
  package let entries: [Entry]
  /// The same for two paths of one directory.
  package let identity: Identity

  /// A device and a file on it.
  package struct Identity: Hashable, Sendable {
    let device: UInt64
    let file: UInt64
  }

  /// Lists the directory at `path`; names that begin with a dot are left out.
  ///
  /// - Throws: ``FileError`` with the system's reason.
  package init(_ path: RawPath) throws {
    guard let stream = path.withCString({ opendir($0) }) else {
      throw FileError("\(path)", "cannot be listed: \(systemReason())")
    }
    defer { closedir(stream) }
    var status = stat()
    guard fstat(dirfd(stream), &status) == 0 else {
      throw FileError("\(path)", "cannot be listed: \(systemReason())")
    }
    identity = Identity(device: UInt64(status.st_dev), file: UInt64(status.st_ino))
    var entries: [Entry] = []
    while let entry = try Self.next(in: stream, path) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { name in
          UnsafeBufferPointer(start: name, count: strlen(name)).map { UInt8(bitPattern: $0) }
        }
      }
      guard name.first != UInt8(ascii: ".") else { continue }
      entries.append(Self.entry(name, type: Int(entry.pointee.d_type), in: dirfd(stream)))
    }
    self.entries = entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  /// The next entry; nil at the end, which `readdir` tells from an error by `errno` alone.
  private static func next(
    in stream: OpaquePointer, _ path: RawPath
  ) throws -> UnsafeMutablePointer<dirent>? {
    errno = 0
    if let entry = readdir(stream) { return entry }
    guard errno == 0 else {
      throw FileError("\(path)", "cannot be listed: \(systemReason())")
    }
    return nil
  }

  private static func entry(_ name: [UInt8], type: Int, in directory: Int32) -> Entry {
    if type == Int(DT_REG) { return Entry(name: name, kind: .file, isLink: false) }
    if type == Int(DT_DIR) { return Entry(name: name, kind: .directory, isLink: false) }
    var (own, target) = (stat(), stat())
    return RawPath(bytes: name).withCString { path in
      let isLink =
        fstatat(directory, path, &own, AT_SYMLINK_NOFOLLOW) == 0
        && FileKind(own.st_mode) == .link
      let exists = fstatat(directory, path, &target, 0) == 0
      return Entry(name: name, kind: exists ? FileKind(target.st_mode) : nil, isLink: isLink)
    }
  }
}
