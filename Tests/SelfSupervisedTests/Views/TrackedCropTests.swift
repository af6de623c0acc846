import Tensor
import XCTest

@testable import SelfSupervised

final class TrackedCropTests: XCTestCase {
  private let extents: [TrackedCrop.Extent] = [.sides(0.6...0.8), .area(0.08...1)]

  private func views(
    _ crop: TrackedCrop, _ images: Tensor, seed: UInt64 = 2, _ augmentation: any Augmentation
  ) -> PixelViews {
    PixelViews(
      of: images, by: crop, then: (augmentation, augmentation), using: RandomStream(seed: seed))
  }

  /// Images whose pixels say where they are: (row, column).
  private func coordinates(_ count: Int, _ size: Size2D) -> Tensor {
    Tensor(shape: [count, size.height, size.width, 2]) { out in
      for index in 0..<out.count / 2 {
        out[2 * index] = Float(index / size.width % size.height)
        out[2 * index + 1] = Float(index % size.width)
      }
    }
  }

  func testRegionsKeepToTheirExtent() {
    var stream = RandomStream(seed: 1)
    var (seen, flips) = (Set<Region>(), 0)
    for _ in 0..<4_000 {
      let view = TrackedCrop(32).region(in: [50, 80], using: &stream)
      let (height, width) = (view.region.size.height, view.region.size.width)
      XCTAssertTrue((30...40).contains(height) && (48...64).contains(width))
      XCTAssertEqual(Float(height) / 50, Float(width) / 80, accuracy: 0.02)
      seen.insert(view.region)
      flips += view.isFlipped ? 1 : 0
    }
    assertFrequency(flips, of: 4_000, 0.25)
    XCTAssertGreaterThan(seen.count, 2_000)
    // Flush with both edges, which the package's crops never are.
    XCTAssertTrue(seen.contains { $0.top == 0 })
    XCTAssertTrue(seen.contains { $0.top + $0.size.height == 50 })
    XCTAssertTrue(seen.contains { $0.left + $0.size.width == 80 })
    let whole = TrackedCrop(8, extent: .sides(1...1)).region(in: [5, 7], using: &stream)
    XCTAssertEqual(whole.region, .whole([5, 7]))
  }

  func testCopiesOfOneImageGetDifferentRegions() {
    let images = Tensor.ones([64, 40, 40, 1])
    for extent in extents {
      let found = views(TrackedCrop(16, extent: extent), images, IdentityAugmentation())
      XCTAssertGreaterThan(Set(found.first + found.second).count, 100)
      XCTAssertEqual(found.pair.first.shape, [64, 16, 16, 1])
    }
  }

  /// What a view shows is what its region says: by pixels that know where they are.
  func testViewsShowTheirRegions() {
    // Enlarged, so that each pixel is taken from its neighbours alone and no line is bent.
    let (size, viewSize): (Size2D, Size2D) = ([60, 90], [64, 96])
    for extent in extents {
      let crop = TrackedCrop(viewSize, extent: extent, flipProbability: 0.5)
      let found = views(crop, coordinates(24, size), IdentityAugmentation())
      for (regions, images) in [
        (found.first, found.pair.first), (found.second, found.pair.second),
      ] {
        for (n, view) in regions.enumerated() {
          let region = view.region
          let expected = { (row: Int, column: Int) -> (Float, Float) in
            let x = view.isFlipped ? viewSize.width - 1 - column : column
            return (
              Float(region.top) + (Float(row) + 0.5) * Float(region.size.height) / 64 - 0.5,
              Float(region.left) + (Float(x) + 0.5) * Float(region.size.width) / 96 - 0.5
            )
          }
          // Away from the border, where resizing has nothing to take from outside.
          for (row, column) in [(14, 17), (31, 50), (46, 79)] {
            let pixel = images[n][row][column].scalars
            XCTAssertEqual(pixel[0], expected(row, column).0, accuracy: 1e-3)
            XCTAssertEqual(pixel[1], expected(row, column).1, accuracy: 1e-3)
          }
        }
      }
    }
  }

  /// Positive pairs are those that look alike where pixels know where they are.
  func testPositivePairsShowTheSamePlace() {
    let (size, map): (Size2D, Size2D) = ([64, 96], [4, 6])
    let crop = TrackedCrop(size, flipProbability: 0.5)
    let found = views(crop, coordinates(16, size), IdentityAugmentation())
    let places = [found.pair.first, found.pair.second].map {
      averagePool($0, window: 16, stride: 16, padding: 0)
        .reshaped([16, 24, 2])
    }
    let pairs = PixelPairs(from: found.first, to: found.second, mapSize: map)
    XCTAssertGreaterThan(pairs.count, 16)
    for n in 0..<16 {
      let mask = pairs.mask[n].scalars
      for i in 0..<24 {
        for j in 0..<24 {
          let (p, q) = (places[0][n][i].scalars, places[1][n][j].scalars)
          // A cell is at most 0.8 · 16 pixels high and wide: the diagonal of the unit square's is then
          // 0.8 · √(1/4² + 1/6²).
          let gap = [(p[0] - q[0]) / 63, (p[1] - q[1]) / 95]
          let unit =
            [found.first[n], found.second[n]].map { view -> Float in
              let (h, w) = (view.region.size.height - 1, view.region.size.width - 1)
              let (down, across) = (Float(h) / 63 / 4, Float(w) / 95 / 6)
              return (down * down + across * across).squareRoot()
            }.max() ?? 0
          let distance = (gap[0] * gap[0] + gap[1] * gap[1]).squareRoot() / unit
          // The authors measure from the first pixel's centre to the last's: nearly the same.
          if abs(distance - 0.7) > 0.05 {
            XCTAssertEqual(mask[i * 24 + j] == 1, distance < 0.7, "\(distance)")
          }
        }
      }
    }
  }

  func testViewsDependOnTheSeedAlone() {
    let before = Threads.count
    defer { Threads.count = before }
    var stream = RandomStream(seed: 3)
    let images = Tensor.uniform([6, 20, 24, 3], using: &stream)
    let results = [1, 2].map { threads in
      Threads.count = threads
      return views(TrackedCrop([16, 24]), images, Compose.pixelCL())
    }
    XCTAssertEqual(results[0].pair.first.scalars, results[1].pair.first.scalars)
    XCTAssertEqual(results[0].second, results[1].second)
    XCTAssertNotEqual(
      views(TrackedCrop([16, 24]), images, seed: 4, Compose.pixelCL()).first, results[0].first)
  }

  /// The tensor operation takes outermost pixels again, where the image's windows lie inside.
  func testPixelsAreThoseOfTheTensorOperation() {
    let image = randomImage(23, 31, 3)
    let cases: [(Region, Size2D)] = [
      (Region(top: 2, left: 5, size: [17, 20]), [23, 31]), (Region.whole([23, 31]), [7, 40]),
      (Region(top: 22, left: 30, size: 1), 5),
    ]
    for (region, size) in cases {
      let part = image.cropped(to: region).pixels
        .reshaped([1, region.size.height, region.size.width, 3])
      func check(_ interpolation: Interpolation, antialias: Bool, accuracy: Float) {
        let expected = resized(part, to: size, interpolation: interpolation, antialias: antialias)
        assertClose(
          image.resized(from: region, to: size, interpolation, antialias: antialias),
          PixelImage(expected[0]), accuracy: accuracy, "\(interpolation), \(region) to \(size)")
      }
      check(.nearest, antialias: false, accuracy: 0)
      check(.nearest, antialias: true, accuracy: 0)
      for interpolation in [Interpolation.bilinear, .bicubic] {
        check(interpolation, antialias: false, accuracy: 1e-6)
        check(interpolation, antialias: true, accuracy: 1e-6)
      }
    }
  }

  /// Regions and views of one draw are those of two.
  func testViewsWithTheirRegions() {
    let images = coordinates(6, [20, 24])
    let (crop, stream) = (TrackedCrop([16, 12], flipProbability: 0.5), RandomStream(seed: 5))
    for augmentation: any Augmentation in [
      Compose.pixelCL(), LambdaAugmentation { image, _ in image },
    ] {
      let found = crop.views(of: images, then: augmentation, using: stream)
      XCTAssertEqual(
        found.images.scalars,
        SelfSupervised.views(of: images, by: crop.followed(by: augmentation), using: stream).scalars
      )
      for (index, region) in found.regions.enumerated() {
        var stream = stream.split(index)
        XCTAssertEqual(region, crop.region(in: [20, 24], using: &stream))
      }
    }
  }

  func testNormalizedRegion() {
    let found = ViewRegion(Region(top: 8, left: 0, size: [16, 30]), of: [32, 40]).normalized
    XCTAssertEqual([found.top, found.left, found.bottom, found.right], [0.25, 0, 0.75, 0.75])
  }
}
