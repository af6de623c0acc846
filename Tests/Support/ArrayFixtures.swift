import Foundation

/// Files of 16 bits, of floats and of many channels and what numpy, tifffile, imagecodecs and Pillow
/// read of them, as ImagesTests/Fixtures/arrays.py wrote them.
public enum ArrayFixtures {
  /// What is expected of one file.
  public struct Expected: Decodable {
    /// Height, width and channels.
    public let shape: [Int]
    private let values: Data

    /// The values 0...1, rounded to multiples of 1/65,535.
    public var floats: [Float] {
      stride(from: 0, to: values.count, by: 2).map {
        Float(UInt16(values[$0]) | UInt16(values[$0 + 1]) << 8) / 65_535
      }
    }
  }

  /// The path of a file.
  public static func path(_ name: String) -> String { "\(PictureFixtures.fixtures)/arrays/\(name)" }

  /// The bytes of a file.
  public static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// What is expected of each file, by name.
  public static func expected() throws -> [String: Expected] {
    try JSONDecoder().decode(
      [String: Expected].self,
      from: Data(contentsOf: URL(fileURLWithPath: PictureFixtures.fixtures + "/arrays.json")))
  }
}

/// The bytes of a file in NumPy's format, of version 1.
public func numPyFile(
  _ type: String, _ shape: String, order: String = "False", _ values: [UInt8]
) -> [UInt8] {
  let head = Array("{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }\n".utf8)
  return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(head.count), 0] + head + values
}
