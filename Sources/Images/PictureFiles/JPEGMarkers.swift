import Foundation
import Tensor

/// The markers of a JPEG file: a byte of ones, a kind, and for most kinds a length and contents.
enum JPEGMarkers {
  private static let (start, scan, end, application1): (UInt8, UInt8, UInt8, UInt8) = (
    0xd8, 0xda, 0xd9, 0xe1
  )
  /// What EXIF data begin with.
  static let exifMark: [UInt8] = Array("Exif".utf8) + [0, 0]

  /// The EXIF data before the first scan.
  static func exif(in file: Data) -> Data? {
    file.withUnsafeBytes { bytes in
      var found: Range<Int>?
      walk(bytes) { kind, contents in
        if kind == application1, bytes[contents].starts(with: exifMark) { found = contents }
        return found == nil && kind != scan
      }
      return found.map { file[file.startIndex + $0.lowerBound..<file.startIndex + $0.upperBound] }
    }
  }

  /// The size in the head of the first frame; nil if none begins in these bytes.
  static func size(in file: Data) -> Size2D? {
    file.withUnsafeBytes { bytes in
      var size: Size2D?
      walk(bytes) { kind, contents in
        // The kinds between begin tables.
        if 0xc0...0xcf ~= kind, ![0xc4, 0xc8, 0xcc].contains(kind), contents.count >= 5 {
          let numbers = bytes[contents].dropFirst().prefix(4).map(Int.init)
          size = Size2D(
            height: numbers[0] << 8 | numbers[1], width: numbers[2] << 8 | numbers[3])
        }
        return size == nil && kind != scan
      }
      return size
    }
  }

  /// Whether the file's first picture has its end, whatever stands behind it.
  ///
  /// Damage within a scan may hide the end from a walk along the markers; then one behind the last
  /// scan will do.
  static func hasEnd(_ file: Data) -> Bool {
    file.withUnsafeBytes { bytes in
      var isComplete = false
      walk(bytes) { kind, _ in
        isComplete = kind == end
        return !isComplete
      }
      guard !isComplete, let scan = last(scan, in: bytes) else { return isComplete }
      return last(end, in: bytes).map { $0 > scan } ?? false
    }
  }

  /// Calls `body` with each marker's kind and contents until it returns false.
  private static func walk(
    _ file: UnsafeRawBufferPointer, _ body: (UInt8, Range<Int>) -> Bool
  ) {
    var place = 2
    while place + 1 < file.count {
      guard file[place] == 0xff else {
        place += 1
        continue
      }
      let kind = file[place + 1]
      // Zero: a byte of ones within a scan. Ones: padding. d0 to d7: restarts within a scan.
      guard kind == end || (kind >= 0xc0 && kind < 0xff && !(0xd0...start).contains(kind)) else {
        place += kind == 0xff ? 1 : 2
        continue
      }
      guard kind != end else {
        _ = body(kind, place..<place)
        return
      }
      guard place + 3 < file.count else { return }
      let length = Int(file[place + 2]) << 8 | Int(file[place + 3])
      let next = min(place + 2 + max(2, length), file.count)
      guard body(kind, min(place + 4, next)..<next) else { return }
      place = next
    }
  }

  private static func last(_ kind: UInt8, in file: UnsafeRawBufferPointer) -> Int? {
    file.indices.dropFirst().last { file[$0] == kind && file[$0 - 1] == 0xff }
  }
}
