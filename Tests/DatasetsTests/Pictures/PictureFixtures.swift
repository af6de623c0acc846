import Foundation
import TestSupport
import XCTest

/// Pictures and what Pillow and torchvision make of them, as Fixtures/pictures.py wrote them.
enum PictureFixtures {
  struct Expected: Decodable {
    /// Height and width.
    let size: [Int]
    /// Red, green and blue of each pixel.
    let colors: Data
    /// The same after torchvision's Resize(8) and CenterCrop(8).
    let fitted: Data
    /// The luma of each pixel.
    let grey: Data
  }

  static let directory = fixture("pictures")

  static func path(_ name: String) -> String { "\(directory)/\(name)" }

  static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  static func expected() throws -> [String: Expected] {
    try JSONDecoder().decode(
      [String: Expected].self,
      from: Data(contentsOf: URL(fileURLWithPath: fixture("pictures.json"))))
  }
}

/// The largest difference of two arrays of bytes; 255 if their counts differ.
func largestDifference(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Int {
  guard a.count == b.count else { return 255 }
  return zip(a, b).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
}
