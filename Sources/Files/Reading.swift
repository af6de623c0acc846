import Foundation

/// The contents of the file at `path`, mapped; ``RawPath/contents()`` reads them into a buffer.
///
/// - Throws: ``FileError``.
package func mappedContents(_ path: String) throws -> Data {
  try checkPath(path, isDirectory: false)
  do {
    return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
  } catch {
    throw FileError(path, "cannot be read: \(systemReason(of: error))")
  }
}

/// The contents of the file at `path`, unpacked if they are gzip data, else mapped.
///
/// - Parameters:
///   - path: The file.
///   - limit: How many bytes the reader takes at most, which may depend on the first ones; nil if
///     more of them are needed to know. Of gzip data no more are unpacked than that and a block: a
///     small file can unpack to any size.
/// - Returns: The contents; more bytes than the limit if there are more.
/// - Throws: ``FileError``, or what `limit` throws; a file above its limit is no error here.
package func unpackedContents(
  _ path: String, limit: (_ start: Data) throws -> Int? = { _ in nil }
) throws -> Data {
  try unpackedContents(path, by: ZLib.shared, limit: limit)
}

/// The contents of a file that need not be larger than `limit` bytes.
package func unpackedContents(_ path: String, limit: Int) throws -> Data {
  try unpackedContents(path) { _ in limit }
}

func unpackedContents(
  _ path: String, by zlib: Result<ZLib, any Error>,
  limit: (_ start: Data) throws -> Int? = { _ in nil }
) throws -> Data {
  let file = try mappedContents(path)
  if file.starts(with: [0x1f, 0x8b]) {
    return try library(zlib, for: path).unpack(path, limit: limit)
  }
  guard !path.hasSuffix(".gz") else {
    let bytes = file.prefix(2).map { hexadecimal($0) }.joined(separator: " ")
    throw FileError(
      path,
      "needs gzip data, which start with 1f 8b; "
        + (bytes.isEmpty ? "the file is empty" : "got \(bytes)"))
  }
  return file
}

/// Throws unless there is a directory at `path`; `advice` says where to get one.
package func checkDirectory(_ path: String, advice: String = "") throws {
  try checkPath(path, isDirectory: true, advice: advice)
}

private func checkPath(_ path: String, isDirectory wanted: Bool, advice: String = "") throws {
  let needed = wanted ? "directory" : "file"
  var status = stat()
  guard stat(path, &status) == 0 else {
    let reason = errno == ENOENT || errno == ENOTDIR ? "there is none" : systemReason()
    throw FileError(path, "needs a \(needed); \(reason)\(advice)")
  }
  let kind = "\(FileKind(status.st_mode))"
  guard kind == needed else {
    // A pipe would be waited for, and a device may have no end.
    throw FileError(path, "needs a \(needed); this is a \(kind)\(advice)")
  }
}

/// Two digits in base 16.
package func hexadecimal(_ byte: UInt8) -> String { String(format: "%02x", byte) }
