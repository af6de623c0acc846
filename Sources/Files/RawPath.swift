import Foundation

/// A path as the bytes that the system knows: names of files need not be UTF-8.
package struct RawPath: Sendable, Hashable {
  /// Without the zero at the end.
  package let bytes: [UInt8]

  package init(bytes: [UInt8]) { self.bytes = bytes }

  package init(_ path: String) { bytes = Array(path.utf8) }

  /// The path of a file that is there and shows as `path`, whose bytes that are not UTF-8 a program's
  /// arguments, which are text, have lost; `path` itself if there is none.
  package init(showing path: String) {
    self.init(path)
    guard path.contains("\u{FFFD}") else { return }
    var found = RawPath(path.hasPrefix("/") ? "/" : ".")
    for part in path.split(separator: "/") {
      let name = Array(part.utf8)
      let shown = try? Directory(found).entries.first {
        $0.name == name || String(decoding: $0.name, as: UTF8.self) == part
      }
      guard part == "." || part == ".." || shown != nil else { return }
      found = found.appending(shown?.name ?? name)
    }
    self = found
  }

  /// The path of what a directory holds under a name.
  package func appending(_ name: [UInt8]) -> RawPath {
    RawPath(bytes: bytes + (bytes.last == Self.separator ? [] : [Self.separator]) + name)
  }

  package static let separator = UInt8(ascii: "/")

  /// Calls `body` with the path as C has it.
  package func withCString<Result>(
    _ body: (UnsafePointer<CChar>) throws -> Result
  ) rethrows -> Result {
    try (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { path in
      // An array that holds at least the zero has an address.
      try path.baseAddress.map(body) ?? "".withCString(body)
    }
  }

  /// The contents of the file.
  ///
  /// - Throws: ``FileError``, also if this is no regular file: a pipe would never end.
  package func contents() throws -> Data { try contents(atMost: .max) }

  /// The first bytes of the file, at most `limit`.
  ///
  /// - Throws: ``FileError``, also if this is no regular file.
  package func contents(atMost limit: Int) throws -> Data {
    try withOpenFile { file, status in
      try Self.bytes(of: file, count: min(limit, Int(status.st_size))) {
        FileError("\(self)", "cannot be read: \(systemReason())")
      }
    }
  }

  /// The contents of the file, of which only what is looked at is read.
  ///
  /// - Throws: ``FileError``, also if this is no regular file.
  package func mappedContents() throws -> Data {
    try withOpenFile { file, status in
      let count = Int(status.st_size)
      guard count > 0 else { return Data() }
      guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, file, 0), start != MAP_FAILED
      else { throw FileError("\(self)", "cannot be read: \(systemReason())") }
      return Data(
        bytesNoCopy: start, count: count, deallocator: .custom { munmap($0, $1) })
    }
  }

  private func withOpenFile<Result>(
    _ body: (Int32, stat) throws -> Result
  ) throws -> Result {
    let file = withCString { open($0, O_RDONLY | O_NONBLOCK | O_CLOEXEC) }
    guard file >= 0 else { throw FileError("\(self)", Self.reason(errno, isLink: isLink)) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else {
      throw FileError("\(self)", "cannot be read: \(systemReason())")
    }
    let kind = FileKind(status.st_mode)
    guard kind == .file else { throw FileError("\(self)", "needs a file; this is a \(kind)") }
    return try body(file, status)
  }

  /// The next bytes of an open file, at most `count`.
  private static func bytes(
    of file: Int32, count: Int, failure: () -> FileError
  ) throws -> Data {
    guard count > 0 else { return Data() }
    guard let buffer = malloc(count) else { throw failure() }
    var done = 0
    while done < count {
      let got = read(file, buffer + done, count - done)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else {
        let error = failure()
        free(buffer)
        throw error
      }
      guard got > 0 else { break }
      done += got
    }
    return Data(bytesNoCopy: buffer, count: done, deallocator: .free)
  }

  private var isLink: Bool {
    var status = stat()
    return withCString { lstat($0, &status) } == 0 && FileKind(status.st_mode) == .link
  }

  private static func reason(_ error: Int32, isLink: Bool) -> String {
    guard error == ENOENT else { return "cannot be opened: \(String(cString: strerror(error)))" }
    return isLink ? "is a link to a file that is not there" : "needs a file; there is none"
  }
}

extension RawPath: CustomStringConvertible {
  /// The path as text; bytes that are not UTF-8 become U+FFFD.
  package var description: String { String(decoding: bytes, as: UTF8.self) }
}

/// What stands behind a name in a directory.
package enum FileKind: Sendable, Hashable, CustomStringConvertible {
  case file, directory, link, pipe, socket, device

  /// The kind that a mode of `stat` says.
  package init(_ mode: mode_t) {
    switch mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .directory
    case S_IFLNK: self = .link
    case S_IFIFO: self = .pipe
    case S_IFSOCK: self = .socket
    default: self = .device
    }
  }

  package var description: String {
    switch self {
    case .file: "file"
    case .directory: "directory"
    case .link: "link"
    case .pipe: "pipe"
    case .socket: "socket"
    case .device: "device"
    }
  }
}
