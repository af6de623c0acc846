import Datasets
import Foundation
import Images
import Tensor
import XCTest

@testable import Training

final class PictureStudyTests: XCTestCase {
  private func study(
    _ after: Tensor, before: Tensor? = nil, labels: [Int] = []
  ) throws -> PictureStudy {
    let images = LabeledImages(
      images: .zeros([after.shape[0], 8, 8, 1]), labels: labels,
      classNames: labels.isEmpty ? [] : ["a", "b", "c"])
    return try PictureStudy(of: images, before: before, after: after)
  }

  /// Unit vectors in eight directions, and their neighbors.
  private func features(_ count: Int) -> Tensor {
    var stream = RandomStream(seed: 2)
    return Tensor.normal([count, 8], using: &stream)
  }

  /// A copy, a picture that is nearly one, and one that is far from all others.
  func testCopiesAndOutliers() throws {
    var scalars = features(60).scalars
    for place in 0..<8 {
      scalars[8 * 7 + place] = 2 * scalars[8 * 40 + place]
      scalars[8 * 3 + place] = scalars[8 * 21 + place] + (place == 0 ? 0.01 : 0)
    }
    // All others lie on one side of a ninth direction, this one on the other.
    var numbers: [Float] = []
    for row in 0..<60 {
      let isApart = row == 33
      numbers += scalars[8 * row..<8 * row + 8].map { isApart ? 0.1 * $0 : $0 }
      numbers.append(isApart ? -5 : row == 7 ? 6 : 3)
    }
    let wide = Tensor(numbers, shape: [60, 9])
    let study = try study(wide)
    XCTAssertEqual(study.duplicates.map(\.picture), [7, 3])
    XCTAssertEqual(study.duplicates.map(\.other), [40, 21])
    XCTAssertEqual(study.duplicates[1].cosine, 1, accuracy: 1e-3)
    XCTAssertEqual(study.outliers.first?.picture, 33)
    XCTAssertEqual(study.outliers.map(\.cosine), study.outliers.map(\.cosine).sorted())
    XCTAssertNil(study.keptNeighbors)
    XCTAssertEqual(study.maps.map(\.places.shape), [[60, 2], [60, 2]])
  }

  /// Where all features are the same, no pair is nearer than another.
  func testCollapsedFeatures() throws {
    XCTAssertTrue(try study(.ones([30, 4])).duplicates.isEmpty)
    XCTAssertTrue(try study(.ones([3, 4])).outliers.isEmpty)
    _ = try study(.ones([2, 1]))
  }

  func testNeighbors() throws {
    let features = features(50)
    let same = try study(features, before: features, labels: (0..<50).map { $0 % 3 })
    XCTAssertEqual(same.keptNeighbors, 1)
    XCTAssertEqual(same.samples.count, 8)
    XCTAssertEqual(Set(same.samples.map { same.labels[$0.picture] }), [0, 1, 2])
    let units = l2Normalized(features)
    let cosines = matmul(units, units.transposed()).scalars
    for sample in same.samples {
      let row = sample.picture
      let expected = (0..<50).filter { $0 != row }
        .sorted { cosines[50 * row + $0] > cosines[50 * row + $1] }.prefix(10)
      XCTAssertEqual(sample.after, Array(expected))
      XCTAssertEqual(sample.before, sample.after)
    }
    XCTAssertEqual(same.names[4], "picture 4, b")
    XCTAssertEqual(try study(features).samples.map(\.picture), [0, 6, 12, 18, 25, 31, 37, 43])
  }

  /// Pictures of a part have the numbers of the whole.
  func testNamesOfAPart() throws {
    let whole = LabeledImages(images: .zeros([40, 8, 8, 1]))
    let part = Subset(whole, indices: [30, 7, 22])
    XCTAssertEqual(
      try PictureStudy(of: part, before: nil, after: features(3)).names,
      ["picture 30", "picture 7", "picture 22"])
  }

  /// Each picture is where its number says, whatever the sides.
  func testSpriteSheet() throws {
    for (height, width) in [(20, 10), (48, 48), (100, 200), (7, 300)] {
      let images = LabeledImages(
        images: Tensor.ones([10, height, width, 1])
          * Tensor((0..<10).map { Float($0) / 10 }).reshaped([10, 1, 1, 1]))
      let sheet = try SpriteSheet(images)
      XCTAssertEqual(sheet.columns, 4)
      XCTAssertLessThanOrEqual(max(sheet.cell.height, sheet.cell.width), 48)
      let base = try XCTUnwrap(sheet.address.split(separator: ",").last)
      let file = try XCTUnwrap(Data(base64Encoded: String(base)))
      let path = FileManager.default.temporaryDirectory.appendingPathComponent(
        "\(UUID().uuidString).jpg")
      defer { try? FileManager.default.removeItem(at: path) }
      try file.write(to: path)
      let picture = try PixelImage(contentsOf: path.path)
      for index in 0..<10 {
        let (row, column) = (index / 4 * sheet.pitch.height, index % 4 * sheet.pitch.width)
        let value = picture[row + sheet.cell.height - 1, column + sheet.cell.width - 1, 1]
        // A block of one color has one coefficient; quality 75 rounds it to 1 / 128 of the range.
        if sheet.cell.height % 8 == 0, sheet.cell.width % 8 == 0 {
          XCTAssertEqual(value, Float(index) / 10, accuracy: 0.01)
        } else {
          // Blocks reach over the edge; the middle of a cell is its own.
          let middle = picture[row + sheet.cell.height / 2, column + sheet.cell.width / 2, 1]
          XCTAssertEqual(middle, Float(index) / 10, accuracy: 0.03)
        }
      }
    }
  }
}
