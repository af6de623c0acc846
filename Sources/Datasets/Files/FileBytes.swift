import Foundation

/// The contents of the file at `path`, unpacked if they are gzip data.
///
/// - Throws: ``DatasetError``.
func fileBytes(
  _ path: String, unpackingWith zlib: Result<ZLib, any Error> = ZLib.shared
) throws -> [UInt8] {
  let opening = try openingBytes(path, count: 2)
  if opening == [0x1f, 0x8b] {
    do {
      return try zlib.get().unpack(path)
    } catch let failure as DynamicLibrary.Failure {
      throw DatasetError(path, "\(failure)")
    }
  }
  guard !path.hasSuffix(".gz") else {
    let bytes = opening.map { hexadecimal($0) }.joined(separator: " ")
    throw DatasetError(
      path,
      "needs gzip data, which start with 1f 8b; "
        + (bytes.isEmpty ? "the file is empty" : "got \(bytes)"))
  }
  return try plainFileBytes(path)
}

/// The contents of the file at `path` as they are.
///
/// - Throws: ``DatasetError``.
func plainFileBytes(_ path: String) throws -> [UInt8] {
  try checkFile(path)
  return try reading(path) { try Array(Data(contentsOf: URL(fileURLWithPath: path))) }
}

/// Throws unless there is a directory at `path`; `advice` says where to get one.
func checkDirectory(_ path: String, advice: String = "") throws {
  var isDirectory: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
    throw DatasetError(path, "needs a directory; there is none\(advice)")
  }
  guard isDirectory.boolValue else {
    throw DatasetError(path, "needs a directory; this is a file\(advice)")
  }
}

/// Two digits in base 16.
func hexadecimal(_ byte: UInt8) -> String { String(format: "%02x", byte) }

/// Up to `count` bytes from the start of a file.
private func openingBytes(_ path: String, count: Int) throws -> [UInt8] {
  try checkFile(path)
  return try reading(path) {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }
    return try Array(file.read(upToCount: count) ?? Data())
  }
}

/// Throws unless there is a file at `path`.
private func checkFile(_ path: String) throws {
  var isDirectory: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
    throw DatasetError(path, "needs a file; there is none")
  }
  guard !isDirectory.boolValue else {
    throw DatasetError(path, "needs a file; this is a directory")
  }
}

/// Runs `body` and says which file it was if that fails.
private func reading<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch {
    throw DatasetError(path, "cannot be read: \(error.localizedDescription)")
  }
}
