import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

final class PixelPairsTests: XCTestCase {
  private func whole(_ size: Size2D) -> ViewRegion { ViewRegion(.whole(size), of: size) }

  /// A crop of this share of both sides, in the upper left corner.
  private func corner(_ share: Double, of side: Int) -> ViewRegion {
    let length = Int((share * Double(side)).rounded())
    return ViewRegion(
      Region(top: 0, left: 0, size: Size2D(length)),
      of: Size2D(side))
  }

  private func pairs(
    _ first: ViewRegion, _ second: ViewRegion, _ mapSize: Size2D, _ variant: PixelVariant,
    threshold: Float = 0.7
  ) -> PixelPairs {
    PixelPairs(
      from: [first], to: [second], mapSize: mapSize, threshold: threshold, variant: variant)
  }

  // MARK: - Closed forms

  /// Neighbours are 1/√2 apart, just beyond 0.7.
  func testOfficialIdenticalCropsPairEachPixelWithItself() {
    for crop in [whole(224), corner(0.5, of: 224), corner(0.25, of: 97)] {
      let found = pairs(crop, crop, 7, .official)
      XCTAssertEqual(found.count, 49)
      XCTAssertEqual(found.mask[0].scalars, Tensor.identity(49).scalars)
      XCTAssertEqual(pairs(crop, crop, 7, .official, threshold: 0.71).count, 49 + 4 * 42)
    }
  }

  /// Neighbours are share/√2 apart: four of them at 0.8, all eight at 0.6.
  func testLucidrainsIdenticalCropsReachTheirNeighbours() {
    let (wide, narrow) = (corner(0.8, of: 250), corner(0.6, of: 250))
    XCTAssertEqual(pairs(wide, wide, 8, .lucidrains).count, 288)
    XCTAssertEqual(pairs(narrow, narrow, 8, .lucidrains).count, 484)
    XCTAssertEqual(pairs(narrow, narrow, 8, .official).count, 64)
  }

  func testCropsThatDoNotOverlapHaveNoPairs() {
    let size: Size2D = [64, 96]
    let left = ViewRegion(Region(top: 0, left: 0, size: [64, 40]), of: size)
    let right = ViewRegion(Region(top: 0, left: 56, size: [64, 40]), of: size)
    for variant in PixelVariant.allCases {
      let found = pairs(left, right, [4, 6], variant)
      XCTAssertEqual(found.count, 0)
      XCTAssertEqual(found.share, 0)
      XCTAssertEqual(found.mask.shape, [1, 24, 24])
    }
  }

  // MARK: - Symmetries

  func testFlippingAViewExchangesItsColumns() {
    let size: Size2D = [40, 60]
    let region = Region(top: 3, left: 11, size: [30, 36])
    let (plain, other) = (
      ViewRegion(region, of: size), ViewRegion(Region(top: 5, left: 20, size: [32, 33]), of: size)
    )
    let flipped = ViewRegion(region, of: size, isFlipped: true)
    for variant in PixelVariant.allCases {
      let one = pixelDistances(from: [plain], to: [other], mapSize: [5, 6], variant: variant)
      let two = pixelDistances(from: [flipped], to: [other], mapSize: [5, 6], variant: variant)
      let exchanged = two.reshaped([5, 6, 30]).flipped([1]).reshaped([1, 30, 30])
      XCTAssertLessThan(largestError(exchanged.scalars, one.scalars), 1e-6)
    }
  }

  func testSecondViewSeesThePairsTransposed() {
    let size: Size2D = 50
    let (first, second) = (
      ViewRegion(Region(top: 0, left: 4, size: [44, 30]), of: size, isFlipped: true),
      ViewRegion(Region(top: 9, left: 0, size: [33, 41]), of: size)
    )
    for variant in PixelVariant.allCases {
      let forth = pairs(first, second, [4, 6], variant)
      XCTAssertGreaterThan(forth.count, 5)
      XCTAssertNotEqual(forth.mask.scalars, forth.transposed.mask.scalars)
      XCTAssertEqual(
        forth.transposed.mask.scalars, pairs(second, first, [4, 6], variant).mask.scalars)
      XCTAssertEqual(forth.transposed.count, forth.count)
    }
  }

  // MARK: - The formulas once more

  /// The distance between two pixels of two maps, from the formulas of the two systems.
  private func slowDistance(
    _ a: ViewRegion, _ i: Int, _ b: ViewRegion, _ j: Int, _ map: Size2D, _ variant: PixelVariant
  ) -> Double {
    struct Place { var y, x, cellHeight, cellWidth: Double }
    func official(_ view: ViewRegion, _ pixel: Int) -> Place {
      let (r, w, h) = (view.region, view.imageSize.width - 1, view.imageSize.height - 1)
      var (left, right) = (
        Double(r.left) / Double(w), Double(r.left + r.size.width - 1) / Double(w)
      )
      if view.isFlipped { swap(&left, &right) }
      let (top, bottom) = (
        Double(r.top) / Double(h), Double(r.top + r.size.height - 1) / Double(h)
      )
      let cell = ((bottom - top) / Double(map.height), (right - left) / Double(map.width))
      return Place(
        y: (Double(pixel / map.width) + 0.5) * cell.0 + top,
        x: (Double(pixel % map.width) + 0.5) * cell.1 + left, cellHeight: cell.0, cellWidth: cell.1)
    }
    func lucidrains(_ view: ViewRegion, _ pixel: Int) -> Place {
      // Coordinates of all the crop's pixels, interpolated to the map's size and then flipped.
      func interpolated(_ start: Int, _ length: Int, _ count: Int, _ index: Int) -> Double {
        let place = max(0, (Double(index) + 0.5) * Double(length) / Double(count) - 0.5)
        let low = min(Int(place), length - 1)
        let high = min(low + 1, length - 1)
        let share = place - Double(low)
        return (1 - share) * Double(start + low) + share * Double(start + high)
      }
      let r = view.region
      let column = view.isFlipped ? map.width - 1 - pixel % map.width : pixel % map.width
      let diagonal = sqrt(
        pow(Double(view.imageSize.height), 2) + pow(Double(view.imageSize.width), 2))
      return Place(
        y: interpolated(r.top, r.size.height, map.height, pixel / map.width) / diagonal
          * Double(map.height),
        x: interpolated(r.left, r.size.width, map.width, column) / diagonal * Double(map.width),
        cellHeight: 0, cellWidth: 1)
    }
    let (p, q) =
      variant == .official
      ? (official(a, i), official(b, j)) : (lucidrains(a, i), lucidrains(b, j))
    let unit = max(
      sqrt(p.cellHeight * p.cellHeight + p.cellWidth * p.cellWidth),
      sqrt(q.cellHeight * q.cellHeight + q.cellWidth * q.cellWidth))
    return sqrt((p.y - q.y) * (p.y - q.y) + (p.x - q.x) * (p.x - q.x)) / unit
  }

  func testDistancesEqualTheSlowTwin() {
    var stream = RandomStream(seed: 3)
    for (image, map): (Size2D, Size2D) in [
      (32, 4), ([64, 96], [4, 6]), ([9, 5], [3, 4]), (7, 7),
    ] {
      for share: ClosedRange<Float> in [0.3...1, 0.05...0.5] {
        let crop = TrackedCrop(8, extent: .sides(share), flipProbability: 0.5)
        let (a, b) = (
          (0..<4).map { _ in crop.region(in: image, using: &stream) },
          (0..<4).map { _ in crop.region(in: image, using: &stream) }
        )
        let isTiny = (a + b).contains { $0.region.size.height == 1 && $0.region.size.width == 1 }
        for variant in PixelVariant.allCases where !(isTiny && variant == .official) {
          let pixels = map.height * map.width
          let found = pixelDistances(from: a, to: b, mapSize: map, variant: variant).scalars
          for (index, distance) in found.enumerated() {
            let (n, i, j) = (index / pixels / pixels, index / pixels % pixels, index % pixels)
            let expected = slowDistance(a[n], i, b[n], j, map, variant)
            XCTAssertEqual(Double(distance), expected, accuracy: 1e-6 * max(1, expected))
          }
        }
      }
    }
  }

  func testCropsOfOnePixelArePairedWithThemselves() {
    let one = ViewRegion(Region(top: 2, left: 3, size: 1), of: 8)
    let other = ViewRegion(Region(top: 2, left: 4, size: 1), of: 8)
    XCTAssertEqual(pairs(one, one, 2, .official).count, 16)
    XCTAssertEqual(pairs(one, other, 2, .official).count, 0)
  }
}
