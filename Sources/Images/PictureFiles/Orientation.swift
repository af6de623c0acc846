import Files
import Foundation
import Tensor

/// How the stored rows of a picture lie, as EXIF numbers it.
enum Orientation: Int {
  case upright = 1
  case mirrored
  case upsideDown
  case mirroredUpsideDown
  case transposed
  case onItsRight
  case transversed
  case onItsLeft

  /// Whether rows become columns.
  var swapsSides: Bool { rawValue >= 5 }

  /// Where the pixel of a row and a column of the turned picture is stored.
  func source(row: Int, column: Int, storedSize size: Size2D) -> (row: Int, column: Int) {
    let (lastRow, lastColumn) = (size.height - 1, size.width - 1)
    return switch self {
    case .upright: (row, column)
    case .mirrored: (row, lastColumn - column)
    case .upsideDown: (lastRow - row, lastColumn - column)
    case .mirroredUpsideDown: (lastRow - row, column)
    case .transposed: (column, row)
    case .onItsRight: (lastRow - column, row)
    case .transversed: (lastRow - column, lastColumn - row)
    case .onItsLeft: (column, lastColumn - row)
    }
  }
}

extension Orientation {
  /// The orientation in EXIF data, which are a small TIFF file; nil if they say none.
  init?(exif: some Collection<UInt8>) {
    let bytes = Array(exif.prefix(1 << 16))
    let isLittle = bytes.starts(with: [0x49, 0x49])
    guard isLittle || bytes.starts(with: [0x4d, 0x4d]) else { return nil }
    func number(at place: Int, bytes count: Int) -> Int? {
      guard place >= 0, place + count <= bytes.count else { return nil }
      let part = bytes[place..<place + count]
      return (isLittle ? Array(part.reversed()) : Array(part)).reduce(0) { $0 << 8 | Int($1) }
    }
    guard number(at: 2, bytes: 2) == 42, let directory = number(at: 4, bytes: 4),
      let count = number(at: directory, bytes: 2)
    else { return nil }
    for entry in 0..<count {
      let place = directory + 2 + 12 * entry
      guard let tag = number(at: place, bytes: 2) else { return nil }
      guard tag == Self.tag else { continue }
      let isShort = number(at: place + 2, bytes: 2) == 3
      guard let value = number(at: place + 8, bytes: isShort ? 2 : 4) else { return nil }
      self.init(rawValue: value)
      return
    }
    return nil
  }

  private static let tag = 0x0112
}

extension PictureFile {
  /// How the picture lies; upright if the file does not say.
  var orientation: Orientation {
    get throws {
      let exif: Data?
      switch try format {
      case .jpeg: exif = JPEGMarkers.exif(in: contents)
      case .png: exif = chunk("eXIf", from: 8, lengthFirst: true)
      case .webP: exif = chunk("EXIF", from: 12, lengthFirst: false)
      case .tiff: return try library(LibTIFF.shared, for: path).head(self).orientation
      case .numPy: return .upright
      }
      guard let exif else { return .upright }
      // Some programs write JPEG's marker into other formats too.
      let start = exif.starts(with: JPEGMarkers.exifMark) ? JPEGMarkers.exifMark.count : 0
      return Orientation(exif: exif.dropFirst(start)) ?? .upright
    }
  }

  /// The contents of the first chunk called `name`.
  ///
  /// PNG's chunks are a length, a name, so many bytes and a check sum; RIFF's a name, a length in
  /// the other byte order, and so many bytes, rounded up to an even count.
  func chunk(_ name: String, from start: Int, lengthFirst: Bool) -> Data? {
    var place = contents.startIndex + start
    while place + 8 <= contents.endIndex {
      let (first, second) = (contents[place..<place + 4], contents[place + 4..<place + 8])
      let length =
        (lengthFirst ? Array(first) : second.reversed()).reduce(0) { $0 << 8 | Int($1) }
      let body = place + 8..<min(place + 8 + length, contents.endIndex)
      if (lengthFirst ? second : first).elementsEqual(name.utf8) { return contents[body] }
      place += 8 + length + (lengthFirst ? 4 : length % 2)
    }
    return nil
  }
}
