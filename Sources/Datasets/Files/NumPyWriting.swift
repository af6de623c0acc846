import Files
import Foundation
import Tensor

extension Tensor {
  /// Writes the numbers as a .npy file of 32-bit floats, which `numpy.load` reads with this shape.
  ///
  /// - Throws: ``FileError`` if it cannot be written; an earlier file stays as it was.
  public func writeNumPy(to path: String) throws {
    let tuple = shape.map { "\($0)," }.joined()
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(tuple)), }"
    // The numbers begin at a multiple of 64 bytes, behind ten of the format and a line break.
    header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
    guard let length = UInt16(exactly: header.utf8.count) else {
      throw FileError(path, "a .npy file has no place for \(rank) axes", .unwritable)
    }
    try writeAtomically(to: path) { file in
      try file.write(contentsOf: [0x93] + Array("NUMPY".utf8) + [1, 0])
      try file.write(
        contentsOf: withUnsafeBytes(of: length.littleEndian) { Data($0) } + header.utf8)
      try withUnsafeBufferPointer { numbers in
        guard let start = numbers.baseAddress else { return }
        try file.write(
          contentsOf: Data(
            bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: 4 * numbers.count,
            deallocator: .none))
      }
    }
  }
}
