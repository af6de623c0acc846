import Foundation

/// The contents of the file at `path` in one buffer, or mapped, as they are.
///
/// - Throws: ``FileError``.
package func fileContents(_ path: String, mapped: Bool = false) throws -> Data {
  try checkPath(path, isDirectory: false)
  do {
    return try Data(contentsOf: URL(fileURLWithPath: path), options: mapped ? .mappedIfSafe : [])
  } catch {
    throw FileError(path, "cannot be read: \(error.localizedDescription)")
  }
}

/// The contents of the file at `path`, unpacked if they are gzip data, else mapped.
///
/// - Throws: ``FileError``.
package func unpackedContents(_ path: String) throws -> Data {
  try unpackedContents(path, by: ZLib.shared)
}

func unpackedContents(_ path: String, by zlib: Result<ZLib, any Error>) throws -> Data {
  let file = try fileContents(path, mapped: true)
  if file.starts(with: [0x1f, 0x8b]) {
    return try library(zlib, for: path).unpack(path)
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
  var isDirectory: ObjCBool = false
  let (needed, other) = wanted ? ("directory", "file") : ("file", "directory")
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
    throw FileError(path, "needs a \(needed); there is none\(advice)")
  }
  guard isDirectory.boolValue == wanted else {
    throw FileError(path, "needs a \(needed); this is a \(other)\(advice)")
  }
}

/// Two digits in base 16.
package func hexadecimal(_ byte: UInt8) -> String { String(format: "%02x", byte) }
