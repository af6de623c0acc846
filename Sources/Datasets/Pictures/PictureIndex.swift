import Files
import Foundation
import Images
import Tensor

/// A file that keeps what the heads of a folder's pictures say, so that the next run opens none of
/// those that have not changed.
///
/// A line that says what the file is, and for each picture numbers of 64 bits, the lowest byte first,
/// and its path.
struct PictureIndex {
  struct Entry: Hashable {
    let status: PictureStatus
    let head: PictureHead
  }

  let path: String

  /// The index of the pictures of one folder.
  init(in directory: String, of contents: FolderContents) {
    var place = Fingerprint()
    place.add(URL(fileURLWithPath: contents.directory).standardizedFileURL.path)
    path = "\(directory)/pictures-\(place).index"
  }

  private static let mark = Array(
    "pictures: path, bytes, time, height, width, channels, bits 1\n".utf8)
  private static let numberCount = 9

  /// What is known of pictures, by their path below the folder; nothing if there is no whole file.
  func read() -> [[UInt8]: Entry] {
    guard let file = try? mappedContents(path), file.starts(with: Self.mark) else { return [:] }
    return file.withUnsafeBytes { bytes in
      var entries: [[UInt8]: Entry] = [:]
      entries.reserveCapacity(bytes.count / 100)
      var place = Self.mark.count
      while place < bytes.count {
        guard let (path, entry, next) = Self.entry(bytes, at: place) else { return [:] }
        entries[path] = entry
        place = next
      }
      return entries
    }
  }

  private static func entry(
    _ bytes: UnsafeRawBufferPointer, at place: Int
  ) -> (path: [UInt8], Entry, next: Int)? {
    let start = place + 8 * numberCount
    guard start <= bytes.count else { return nil }
    func number(_ index: Int) -> Int {
      let number = bytes.loadUnaligned(fromByteOffset: place + 8 * index, as: Int64.self)
      return Int(Int64(littleEndian: number))
    }
    let length = number(0)
    guard (0...bytes.count - start).contains(length), number(6) > 0 else { return nil }
    let size = number(4) < 0 ? nil : Size2D(height: number(4), width: number(5))
    return (
      Array(bytes[start..<start + length]),
      Entry(
        status: PictureStatus(byteCount: number(1), seconds: number(2), nanoseconds: number(3)),
        head: PictureHead(
          size: size, channels: number(6), bits: number(7), isData: number(8) & 1 != 0,
          hasMorePages: number(8) & 2 != 0)),
      start + length
    )
  }

  /// Keeps what is known of pictures.
  ///
  /// - Throws: ``FileError``.
  func write(_ entries: [(path: [UInt8], entry: Entry)]) throws {
    var bytes = Data(Self.mark)
    for (path, entry) in entries {
      let (status, head) = (entry.status, entry.head)
      let flags = (head.isData ? 1 : 0) + (head.hasMorePages ? 2 : 0)
      let (height, width) = (head.size?.height ?? -1, head.size?.width ?? -1)
      let numbers: [Int] = [
        path.count, status.byteCount, status.seconds, status.nanoseconds, height, width,
        head.channels, head.bits, flags,
      ]
      for number in numbers {
        withUnsafeBytes(of: Int64(number).littleEndian) { bytes.append(contentsOf: $0) }
      }
      bytes.append(contentsOf: path)
    }
    try makeDirectory(at: path.directoryOfPath)
    try writeAtomically(to: path) { try $0.write(contentsOf: bytes) }
  }
}
