import Foundation

/// The files in a zip archive that are stored as they are, which is how torch.save writes them.
struct StoredZip {
  /// Where the bytes of each file are.
  private(set) var ranges: [String: Range<Int>] = [:]

  private static let (entrySignature, endSignature, localSignature): (UInt32, UInt32, UInt32) = (
    0x0201_4b50, 0x0605_4b50, 0x0403_4b50
  )
  private static let (largeEndSignature, locatorSignature): (UInt32, UInt32) = (
    0x0606_4b50, 0x0706_4b50
  )
  private static let (entryLength, endLength, localLength, locatorLength) = (46, 22, 30, 20)

  init(_ file: Data) throws {
    let bytes = LittleEndianBytes(file)
    // The end has a comment of up to 65,535 bytes behind it.
    let last = file.count - Self.endLength
    guard
      let end = stride(from: last, through: max(0, last - 65_535), by: -1)
        .first(where: { (try? bytes.number(at: $0, UInt32.self)) == Self.endSignature })
    else { throw TorchFileDamage("its zip archive has no end: it is truncated") }
    var (count, place) = try (
      Int(bytes.number(at: end + 10, UInt16.self)), Int(bytes.number(at: end + 16, UInt32.self))
    )
    if count == UInt16.max || place == UInt32.max,
      let large = try Self.largeDirectory(before: end, bytes)
    {
      (count, place) = large
    }
    for _ in 0..<count { place = try add(at: place, bytes) }
  }

  /// The number of entries and where the directory begins, for archives whose numbers need 64 bits;
  /// nil for others.
  private static func largeDirectory(
    before end: Int, _ bytes: LittleEndianBytes
  ) throws -> (count: Int, place: Int)? {
    let locator = end - locatorLength
    guard locator >= 0, try bytes.number(at: locator, UInt32.self) == locatorSignature else {
      return nil
    }
    let place = try bytes.place(at: locator + 8)
    guard try bytes.number(at: place, UInt32.self) == largeEndSignature else {
      throw TorchFileDamage.zip
    }
    return try (bytes.place(at: place + 32), bytes.place(at: place + 48))
  }

  /// Notes the file whose entry in the directory begins at `place`; where the next one begins.
  private mutating func add(at place: Int, _ bytes: LittleEndianBytes) throws -> Int {
    guard try bytes.number(at: place, UInt32.self) == Self.entrySignature else {
      throw TorchFileDamage.zip
    }
    func length(_ offset: Int) throws -> Int {
      try Int(bytes.number(at: place + offset, UInt16.self))
    }
    let name = String(
      decoding: try bytes.slice(at: place + Self.entryLength, count: length(28)), as: UTF8.self)
    guard try length(10) == 0 else { throw TorchFileDamage("\(name) in its zip archive is packed") }
    let extra = try bytes.slice(at: place + Self.entryLength + length(28), count: length(30))
    let (count, local) = try Self.sizeAndPlace(ofEntryAt: place, extra: extra, bytes)
    guard try bytes.number(at: local, UInt32.self) == Self.localSignature else {
      throw TorchFileDamage.zip
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

  /// How many bytes a file has as it is stored, and where its own header is.
  ///
  /// Numbers that need 64 bits are among the extra fields: of both sizes and the place, in this
  /// order, those that are all ones in the entry.
  private static func sizeAndPlace(
    ofEntryAt place: Int, extra: Data, _ bytes: LittleEndianBytes
  ) throws -> (count: Int, local: Int) {
    var large = LittleEndianBytes(extra).field(1).map { (bytes: LittleEndianBytes($0), next: 0) }
    func number(_ offset: Int) throws -> Int {
      let small = try bytes.number(at: place + offset, UInt32.self)
      guard small == .max, let field = large else { return Int(small) }
      large?.next += 8
      return try field.bytes.place(at: field.next)
    }
    _ = try number(24)
    return try (number(20), number(42))
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

  /// A number of 64 bits that is a count or a place in a file.
  func place(at place: Int) throws -> Int {
    guard let number = try Int(exactly: number(at: place, UInt64.self)) else {
      throw TorchFileDamage.zip
    }
    return number
  }

  /// What a field of these bytes holds, each of which has a kind and a length of 16 bits before it.
  func field(_ kind: UInt16) -> Data? {
    var place = 0
    while let found = try? number(at: place, UInt16.self),
      let count = try? number(at: place + 2, UInt16.self)
    {
      let content = try? slice(at: place + 4, count: Int(count))
      if found == kind { return content }
      place += 4 + Int(count)
    }
    return nil
  }
}
