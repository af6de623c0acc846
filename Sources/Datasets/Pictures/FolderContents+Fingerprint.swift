import Files
import Foundation

extension FolderContents {
  /// Numbers, as text, that differ when a picture's name or size does, and its time of change where
  /// that is asked for: that of a copy may differ.
  package func fingerprint(withTimes: Bool = false) -> String {
    var print = Fingerprint()
    for (picture, status) in zip(pictures, statuses) {
      print.add(picture)
      // A picture that is gone has no size.
      print.add(status?.byteCount ?? 0)
      guard withTimes else { continue }
      print.add(status?.seconds ?? 0)
      print.add(status?.nanoseconds ?? 0)
    }
    return "\(print)"
  }
}

/// A hash that is the same in every run, unlike Swift's: FNV-1a of 64 bits.
package struct Fingerprint: CustomStringConvertible {
  private var state: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  /// Adds the bits of numbers, each as one.
  package mutating func add(bitsOf numbers: UnsafeBufferPointer<Float>) {
    for number in numbers { state = (state ^ UInt64(number.bitPattern)) &* 0x100_0000_01b3 }
  }

  package mutating func add(_ text: String) { add(text.utf8) }

  package mutating func add(_ number: Int) {
    withUnsafeBytes(of: number.littleEndian) { add($0) }
  }

  package var description: String { String(format: "%016lx", state) }
}
