/// Reads the JSON of a file's header (RFC 8259) byte by byte.
///
/// Foundation's reader keeps one of two entries whose names are the same, or only look the same,
/// and takes `true` and `1.0` for integers, and UTF-16 for UTF-8.
struct JSONScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var place = 0

  /// What is read is not JSON, or not of the kind that is needed.
  struct Failure: Error {}

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// Reads an object: `body` reads the value of each name.
  mutating func object(_ body: (_ name: String, inout JSONScanner) throws -> Void) throws {
    try sequence("{", "}") { scanner in
      let name = try scanner.string()
      try scanner.expect(":")
      try body(name, &scanner)
    }
  }

  /// Reads an array of integers of zero or more.
  mutating func integers() throws -> [Int] {
    var integers: [Int] = []
    try sequence("[", "]") { scanner in
      let word = scanner.word()
      guard let number = Int(word), number >= 0, String(number) == word else { throw Failure() }
      integers.append(number)
    }
    return integers
  }

  /// Reads a text, which is valid UTF-8.
  mutating func string() throws -> String {
    try expect("\"")
    var text: [UInt8] = []
    while true {
      guard let byte = next(), byte >= 0x20 else { throw Failure() }
      if byte == UInt8(ascii: "\"") { break }
      if byte == UInt8(ascii: "\\") { text += try escaped() } else { text.append(byte) }
    }
    guard let string = String(validating: text, as: UTF8.self) else { throw Failure() }
    return string
  }

  /// Passes over a value of any kind.
  mutating func skip(deepest: Int = 64) throws {
    guard deepest > 0 else { throw Failure() }
    switch peek() {
    case UInt8(ascii: "{"): try object { try $1.skip(deepest: deepest - 1) }
    case UInt8(ascii: "["): try sequence("[", "]") { try $0.skip(deepest: deepest - 1) }
    case UInt8(ascii: "\""): _ = try string()
    default:
      let word = word()
      guard ["true", "false", "null"].contains(word) || Double(word) != nil else { throw Failure() }
    }
  }

  /// Passes over `null`, if it comes next.
  mutating func null() -> Bool {
    var ahead = self
    guard ahead.word() == "null" else { return false }
    self = ahead
    return true
  }

  /// Checks that nothing but space follows.
  mutating func end() throws { guard peek() == nil else { throw Failure() } }
}

// MARK: - Bytes

extension JSONScanner {
  private mutating func next() -> UInt8? {
    guard place < bytes.count else { return nil }
    place += 1
    return bytes[place - 1]
  }

  /// The next byte that is no space, which stays.
  private mutating func peek() -> UInt8? {
    while place < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[place]) { place += 1 }
    return place < bytes.count ? bytes[place] : nil
  }

  private mutating func expect(_ letter: Unicode.Scalar) throws {
    guard peek() == UInt8(ascii: letter) else { throw Failure() }
    place += 1
  }

  /// Letters, digits, signs and points up to something else.
  private mutating func word() -> Substring {
    _ = peek()
    let start = place
    while place < bytes.count, isWord(bytes[place]) { place += 1 }
    return Substring(decoding: UnsafeBufferPointer(rebasing: bytes[start..<place]), as: UTF8.self)
  }

  private func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
      UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// Reads items with commas between them.
  private mutating func sequence(
    _ start: Unicode.Scalar, _ end: Unicode.Scalar, _ item: (inout JSONScanner) throws -> Void
  ) throws {
    try expect(start)
    if peek() == UInt8(ascii: end) { return try expect(end) }
    try item(&self)
    while peek() == UInt8(ascii: ",") {
      place += 1
      try item(&self)
    }
    try expect(end)
  }

  /// What a backslash and the letters after it stand for.
  private mutating func escaped() throws -> [UInt8] {
    switch next() {
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "u"): return Array(String(Character(try scalar())).utf8)
    case let byte? where [UInt8](#""\/"#.utf8).contains(byte): return [byte]
    default: throw Failure()
    }
  }

  /// The scalar of four digits of base 16, or of two such halves.
  private mutating func scalar() throws -> Unicode.Scalar {
    let unit = try unit()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard UTF16.isLeadSurrogate(unit), next() == UInt8(ascii: "\\"), next() == UInt8(ascii: "u")
    else { throw Failure() }
    let second = try self.unit()
    guard UTF16.isTrailSurrogate(second) else { throw Failure() }
    return UTF16.decode(UTF16.EncodedScalar([unit, second]))
  }

  private mutating func unit() throws -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = next().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
        throw Failure()
      }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }
}
