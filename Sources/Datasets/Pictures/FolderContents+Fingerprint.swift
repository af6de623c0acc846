import Files
import Foundation

extension FolderContents {
  /// Numbers, as text, that differ when a picture's name or size does, and its time of change where
  /// that is asked for: that of a copy may differ.
  package func fingerprint(withTimes: Bool = false) -> String {
    var print = Fingerprint()
    for index in 0..<count {
      var status = stat()
      let path = path(index)
      // A picture without rights has a size all the same; one that is gone has none.
      _ = path.withCString { stat($0, &status) }
      print.add(pictures[index])
      print.add(Int(status.st_size))
      guard withTimes else { continue }
      print.add(status.st_mtim.tv_sec)
      print.add(status.st_mtim.tv_nsec)
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

  package mutating func add(_ text: String) { add(text.utf8) }

  package mutating func add(_ number: Int) {
    withUnsafeBytes(of: number.littleEndian) { add($0) }
  }

  package var description: String { String(format: "%016lx", state) }
}
