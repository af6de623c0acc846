import Foundation
import XCTest

/// Pictures and what Pillow and torchvision make of them, as ImagesTests/Fixtures/pictures.py
/// wrote them.
public enum PictureFixtures {
  /// What is expected of one picture.
  public struct Expected: Decodable {
    /// Height and width.
    public let size: [Int]
    /// Red, green and blue of each pixel.
    public let colors: Data
    /// The same after torchvision's Resize(8) and CenterCrop(8).
    public let fitted: Data
    /// The luma of each pixel.
    public let grey: Data
  }

  /// Where the pictures are.
  public static let directory = fixtures + "/pictures"

  static let fixtures =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
    + "/ImagesTests/Fixtures"

  /// The path of a picture.
  public static func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// The bytes of a picture's file.
  public static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// What is expected of each picture, by name.
  public static func expected() throws -> [String: Expected] {
    try JSONDecoder().decode(
      [String: Expected].self,
      from: Data(contentsOf: URL(fileURLWithPath: fixtures + "/pictures.json")))
  }
}

/// The largest difference of two arrays of bytes; 255 if their counts differ.
public func largestDifference(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Int {
  guard a.count == b.count else { return 255 }
  return zip(a, b).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
}
