import Foundation

/// The files in a zip archive that are stored as they are, which is how torch.save writes them.
struct StoredZip {
  /// Where the bytes of each file are.
  private(set) var ranges: [String: Range<Int>] = [:]

  private static let (entrySignature, endSignature, localSignature): (UInt32, UInt32, UInt32) = (
    0x0201_4b50, 0x0605_4b50, 0x0403_4b50
  )
  private static let (entryLength, endLength, localLength) = (46, 22, 30)

  init(_ file: Data) throws {
    let bytes = LittleEndianBytes(file)
    // The end has a comment of up to 65,535 bytes behind it.
    let last = file.count - Self.endLength
    guard
      let end = stride(from: last, through: max(0, last - 65_535), by: -1)
        .first(where: { (try? bytes.number(at: $0, UInt32.self)) == Self.endSignature })
    else { throw TorchFileDamage("its zip archive has no end: it is truncated") }
    var place = try Int(bytes.number(at: end + 16, UInt32.self))
    for _ in 0..<(try bytes.number(at: end + 10, UInt16.self)) {
      place = try add(at: place, bytes)
    }
  }

  /// Notes the file whose entry in the directory begins at `place`; where the next one begins.
  private mutating func add(at place: Int, _ bytes: LittleEndianBytes) throws -> Int {
    guard try bytes.number(at: place, UInt32.self) == Self.entrySignature else {
      throw TorchFileDamage("its zip archive is damaged, or larger than 4 GB")
    }
    func length(_ offset: Int) throws -> Int {
      try Int(bytes.number(at: place + offset, UInt16.self))
    }
    func size(_ offset: Int) throws -> Int {
      try Int(bytes.number(at: place + offset, UInt32.self))
    }
    let name = String(
      decoding: try bytes.slice(at: place + Self.entryLength, count: length(28)), as: UTF8.self)
    guard try length(10) == 0 else { throw TorchFileDamage("\(name) in its zip archive is packed") }
    let (count, local) = try (size(20), size(42))
    guard try bytes.number(at: local, UInt32.self) == Self.localSignature else {
      throw TorchFileDamage("its zip archive is damaged, or larger than 4 GB")
    }
    let start =
      try local + Self.localLength + Int(bytes.number(at: local + 26, UInt16.self))
      + Int(bytes.number(at: local + 28, UInt16.self))
    _ = try bytes.slice(at: start, count: count)
    guard ranges.updateValue(start..<(start + count), forKey: name) == nil else {
      throw TorchFileDamage("its zip archive has two files called \(name)")
    }
    return try place + Self.entryLength + length(28) + length(30) + length(32)
  }
}

/// Reads numbers out of bytes, and throws where there are none.
struct LittleEndianBytes {
  let data: Data

  init(_ data: Data) { self.data = data }

  func slice(at place: Int, count: Int) throws -> Data {
    guard place >= 0, count >= 0, count <= data.count - place else {
      throw TorchFileDamage("it ends too soon: it is truncated")
    }
    let start = data.startIndex + place
    return data[start..<(start + count)]
  }

  func number<Number: FixedWidthInteger>(at place: Int, _: Number.Type) throws -> Number {
    try slice(at: place, count: MemoryLayout<Number>.size).withUnsafeBytes {
      Number(littleEndian: $0.loadUnaligned(as: Number.self))
    }
  }
}
