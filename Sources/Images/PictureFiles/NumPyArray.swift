import Files
import Foundation
import Tensor

/// The head of a file in NumPy's format, of versions 1 to 3: a picture of shape [height, width] or
/// [height, width, channels].
struct NumPyArray {
  static let signature: [UInt8] = [0x93] + Array("NUMPY".utf8)

  let height: Int
  let width: Int
  let channels: Int
  let sample: SampleType
  private let isBigEndian: Bool
  /// Whether the first index changes fastest, rather than the last one.
  private let isFortranOrder: Bool
  /// Where the values begin.
  private let start: Int

  /// Reads the head.
  ///
  /// - Parameters:
  ///   - bytes: The file, or its beginning.
  ///   - file: What errors name.
  /// - Throws: ``FileError`` if this is no picture.
  init(_ bytes: Data, of file: PictureFile) throws {
    let (text, start) = try Self.head(Array(bytes.prefix(Self.longestHead)), file)
    guard let type = Self.quoted(Self.value(of: "descr", in: text)),
      let order = Self.value(of: "fortran_order", in: text),
      let dimensions = Self.value(of: "shape", in: text)
    else { throw file.damage("needs a NumPy array; its head has no type, order and shape") }
    guard let sample = Self.types[String(type.dropFirst())], let byteOrder = type.first,
      "<>|=".contains(byteOrder)
    else {
      throw file.damage(
        "needs an array of uint8, uint16, float32 or float64, as array.astype(numpy.uint8) makes; its "
          + "type is \(type.prefix(40))")
    }
    let shape = Self.numbers(dimensions)
    let shapeText = dimensions.prefix { $0 != ")" }.prefix(60) + ")"
    guard let shape, (2...3).contains(shape.count) else {
      throw file.damage(
        "needs an array of shape (height, width) or (height, width, channels); its shape is "
          + shapeText)
    }
    // No picture is so low and has so many channels.
    guard
      shape.count < 3 || shape[0] > Self.mostChannelsFirst
        || shape[1...].contains(where: { $0 <= Self.mostChannelsFirst })
    else {
      throw file.damage(
        "needs an array of shape (height, width, channels); its shape \(shapeText) has the channels "
          + "first, and numpy.moveaxis(array, 0, -1) brings them last")
    }
    (height, width, channels) = (shape[0], shape[1], shape.count == 3 ? shape[2] : 1)
    (self.sample, self.start) = (sample, start)
    (isBigEndian, isFortranOrder) = (byteOrder == ">", order.hasPrefix("True"))
  }

  /// The channels that a first axis may be taken for.
  private static let mostChannelsFirst = 4

  private static let types: [String: SampleType] = [
    "u1": .uint8, "u2": .uint16, "f4": .float32, "f8": .float64,
  ]
  /// NumPy pads heads of arrays to 64 bytes or a few times as many.
  static let longestHead = 4_096

  /// The text of a head, and where the values begin.
  private static func head(
    _ bytes: [UInt8], _ file: PictureFile
  ) throws -> (text: Substring, start: Int) {
    let lengthBytes = bytes.count > 6 && bytes[6] == 1 ? 2 : 4
    let textStart = 8 + lengthBytes
    guard bytes.count > textStart, (1...3).contains(bytes[6]) else {
      throw file.damage("needs a NumPy array of version 1 to 3; the head is another or cut short")
    }
    let length = bytes[8..<textStart].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= longestHead - textStart, textStart + length <= bytes.count else {
      throw file.damage("needs a NumPy array with a short head; it says \(length) bytes")
    }
    let text = String(decoding: bytes[textStart..<textStart + length], as: UTF8.self)
    return (text[...], textStart + length)
  }

  /// What stands behind a key.
  private static func value(of key: String, in text: Substring) -> Substring? {
    for quote in ["'", "\""] {
      guard let place = text.range(of: quote + key + quote) else { continue }
      let rest = text[place.upperBound...].drop { $0 == " " }
      guard rest.first == ":" else { return nil }
      return rest.dropFirst().drop { $0 == " " }
    }
    return nil
  }

  /// The text between quotes.
  private static func quoted(_ text: Substring?) -> Substring? {
    guard let text, let quote = text.first, quote == "'" || quote == "\"" else { return nil }
    return text.dropFirst().prefix { $0 != quote }
  }

  /// The numbers of a tuple; nil if there are others than whole ones.
  private static func numbers(_ text: Substring) -> [Int]? {
    guard text.first == "(", let end = text.firstIndex(of: ")") else { return nil }
    var parts = text[text.index(after: text.startIndex)..<end]
      .split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
    if parts.last == "" { parts.removeLast() }
    let numbers = parts.compactMap { Int($0) }
    return numbers.count == parts.count && numbers.allSatisfy { $0 >= 0 } ? numbers : nil
  }
}

// MARK: - Values

extension NumPyArray {
  /// The picture in a file that has this head.
  ///
  /// - Throws: ``FileError`` if the file has not as many values as it says.
  func picture(_ file: PictureFile) throws -> Picture {
    let size = try file.size(height: height, width: width, channels: channels)
    let count = height * width * channels * sample.byteCount
    guard file.contents.count - start >= count else {
      throw file.damage(
        "needs \(count) bytes of values, as its head says; it has "
          + "\(max(0, file.contents.count - start))")
    }
    return file.contents.withUnsafeBytes { contents in
      Picture(size: size, Picture.Layout(channels: channels, sample: sample)) { out in
        let values = UnsafeRawBufferPointer(rebasing: contents[start..<start + count])
        copy(values, into: out)
      }
    }
  }

  /// out[height, width, channels] = the values, the last index fastest and lowest byte first
  private func copy(_ values: UnsafeRawBufferPointer, into out: UnsafeMutableBufferPointer<UInt8>) {
    guard isBigEndian || isFortranOrder else {
      UnsafeMutableRawBufferPointer(out).copyMemory(from: values)
      return
    }
    let length = sample.byteCount
    var target = 0
    for row in 0..<height {
      for column in 0..<width {
        for channel in 0..<channels {
          let source =
            isFortranOrder
            ? row + height * (column + width * channel)
            : (row * width + column) * channels + channel
          for byte in 0..<length {
            out[target + byte] = values[source * length + (isBigEndian ? length - 1 - byte : byte)]
          }
          target += length
        }
      }
    }
  }
}
