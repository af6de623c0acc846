import Files
import Foundation
import Images

/// A file that keeps the images of a folder's pictures, so that the next run need not decode them.
///
/// A line of JSON and the images' bytes, the lower one of 16 bits first. It counts only as long as every picture has the name, the
/// size and the time of change that it had.
struct DecodedCache {
  private struct Header: Codable {
    let pictures: String
    let format: String
    let count: Int
    let transparentCount: Int
    let failures: [Failure]
  }

  private struct Failure: Codable {
    let index: Int
    let path: String
    let reason: String
  }

  private let path: String
  /// What the pictures and their format are, as numbers that change when they do.
  private let (pictures, format): (String, String)
  private let (count, imageLength): (Int, Int)

  /// The cache of some pictures in a directory.
  init(in directory: String, of contents: FolderContents, _ format: ImageFormat) {
    var place = Fingerprint()
    place.add(URL(fileURLWithPath: contents.directory).standardizedFileURL.path)
    self.format = "\(format.size), \(format.channels), \(format.options)"
    place.add(self.format)
    path = "\(directory)/decoded-\(place).images"
    pictures = contents.fingerprint(withTimes: true)
    (count, imageLength) = (contents.count, format.shape.elementCount)
  }

  /// The images, if they are there and the pictures have not changed.
  func read<Sample: PixelSample>(_ type: Sample.Type) -> DecodedPictures<Sample>? {
    guard let file = try? mappedContents(path),
      let end = file.firstIndex(of: 10),
      let header = try? JSONDecoder().decode(Header.self, from: file[..<end]),
      header.pictures == pictures, header.format == format, header.count == count,
      Set(header.failures.map(\.index)).count == header.failures.count,
      header.failures.allSatisfy({ (0..<count).contains($0.index) }),
      file.count - end - 1
        == (count - header.failures.count) * imageLength * MemoryLayout<Sample>.size
    else { return nil }
    return DecodedPictures(
      samples: Self.samples(in: file[(end + 1)...]), of: count,
      failures: header.failures.map { ($0.index, FileError($0.path, $0.reason, .damaged)) },
      transparentCount: header.transparentCount)
  }

  private static func samples<Sample: PixelSample>(in bytes: Data) -> [Sample] {
    let count = bytes.count / MemoryLayout<Sample>.size
    return [Sample](unsafeUninitializedCapacity: count) { out, written in
      UnsafeMutableRawBufferPointer(out).copyBytes(from: bytes)
      written = count
    }
  }

  /// Keeps the images; what hinders that is reported.
  func write(_ decoded: DecodedPictures<some PixelSample>, report: ((FileError) -> Void)?) {
    let header = Header(
      pictures: pictures, format: format, count: count,
      transparentCount: decoded.transparentCount,
      failures: decoded.failures.map {
        Failure(index: $0.index, path: $0.error.path, reason: $0.error.reason)
      })
    do {
      try makeDirectory(at: path.directoryOfPath)
      let line = try JSONEncoder().encode(header) + [10]
      try writeAtomically(to: path) { file in
        try file.write(contentsOf: line)
        try decoded.samples.withUnsafeBytes { bytes in
          guard let start = bytes.baseAddress else { return }
          try file.write(
            contentsOf: Data(
              bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: bytes.count,
              deallocator: .none))
        }
      }
    } catch {
      report?(FileError(error, at: path))
    }
  }
}
