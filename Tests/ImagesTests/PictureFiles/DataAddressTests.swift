import Foundation
import Tensor
import TestSupport
import XCTest

@testable import Images

final class DataAddressTests: XCTestCase {
  /// What a page shows is the picture, but for what JPEG loses; gray ones too.
  func testItIsThePicture() throws {
    for channels in [1, 3] {
      let picture = PixelImage(size: [16, 24], channels: channels) { out in
        for index in out.indices { out[index] = Float(index / channels % 24) / 24 }
      }
      let address = try picture.dataAddress(quality: 95)
      XCTAssertTrue(address.hasPrefix("data:image/jpeg;base64,"))
      let text = try XCTUnwrap(address.split(separator: ",").last)
      let bytes = try XCTUnwrap(Data(base64Encoded: String(text)))
      let files = try TemporaryFiles(for: self)
      let path = try files.write(Array(bytes), to: "picture.jpg")
      let found = try PixelImage(contentsOf: path)
      XCTAssertEqual(found.size, picture.size)
      for row in [0, 15] {
        for column in 0..<24 {
          // A smooth ramp at this quality: each coefficient is rounded to a few 255ths.
          XCTAssertEqual(found[row, column, 2], Float(column) / 24, accuracy: 0.02)
        }
      }
    }
    let small = PixelImage(.ones([1, 1, 3]))
    XCTAssertNoThrow(try small.dataAddress())
  }
}
