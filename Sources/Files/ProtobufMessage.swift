/// A message of Protocol Buffers, which grows by a field at a time.
///
/// A field is its number and kind, as one varint, and then the value: a varint, eight bytes, four
/// bytes, or a length and so many bytes.
package struct ProtobufMessage {
  package private(set) var bytes: [UInt8] = []

  private enum WireType: Int {
    case varint = 0
    case eightBytes = 1
    case lengthPrefixed = 2
    case fourBytes = 5
  }

  /// A message without fields.
  package init() {}

  /// Adds an int32, int64 or enum.
  package mutating func add(_ field: Int, _ value: Int) {
    begin(field, .varint)
    append(varint: UInt64(bitPattern: Int64(value)))
  }

  /// Adds a double.
  package mutating func add(_ field: Int, _ value: Double) {
    begin(field, .eightBytes)
    bytes += littleEndianBytes(value.bitPattern)
  }

  /// Adds a float.
  package mutating func add(_ field: Int, _ value: Float) {
    begin(field, .fourBytes)
    bytes += littleEndianBytes(value.bitPattern)
  }

  /// Adds bytes.
  package mutating func add(_ field: Int, _ value: [UInt8]) {
    begin(field, .lengthPrefixed)
    append(varint: UInt64(value.count))
    bytes += value
  }

  /// Adds a string.
  package mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

  /// Adds another message.
  package mutating func add(_ field: Int, _ message: ProtobufMessage) { add(field, message.bytes) }

  private mutating func begin(_ field: Int, _ type: WireType) {
    append(varint: UInt64(field << 3 | type.rawValue))
  }

  /// Seven bits a byte, the lowest first; the eighth says that more follow.
  private mutating func append(varint value: UInt64) {
    var rest = value
    while rest > 0x7f {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// The bytes of a number, the lowest first.
package func littleEndianBytes(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
