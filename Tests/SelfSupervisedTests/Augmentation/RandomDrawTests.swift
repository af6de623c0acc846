import SelfSupervised
import Tensor
import XCTest

/// What augmentations draw: ranges, frequencies and the extremes.
final class RandomDrawTests: XCTestCase {
  private let trials = 10_000

  func testJitterDrawsFactorsFromTheirRangesInRandomOrder() {
    let jitter = ColorJitter(brightness: 0.8, contrast: 0.4, saturation: 1.5, hue: 0.2)
    let expected: [ClosedRange<Float>] = [0.2...1.8, 0.6...1.4, 0...2.5, -0.2...0.2]
    var drawn = [[Float]](repeating: [], count: 4)
    var first = [Int](repeating: 0, count: 4)
    var stream = RandomStream(seed: 5)
    for _ in 0..<trials {
      let changes = jitter.adjustments(using: &stream).map(numbered)
      for (kind, number) in changes { drawn[kind].append(number) }
      first[changes[0].kind] += 1
    }
    for (kind, range) in expected.enumerated() {
      XCTAssertEqual(drawn[kind].count, trials)
      XCTAssert(drawn[kind].allSatisfy(range.contains), "kind \(kind)")
      let width = range.upperBound - range.lowerBound
      XCTAssertEqual(drawn[kind].min() ?? 9, range.lowerBound, accuracy: width / 500)
      XCTAssertEqual(drawn[kind].max() ?? 9, range.upperBound, accuracy: width / 500)
      assertFrequency(first[kind], of: trials, 0.25, "kind \(kind) first")
    }
  }

  func testJitterLeavesOutWhatHasNoStrength() {
    var stream = RandomStream(seed: 5)
    let changes = ColorJitter(contrast: 0.5).adjustments(using: &stream)
    XCTAssertEqual(changes.map { numbered($0).kind }, [1])
    XCTAssert(ColorJitter().adjustments(using: &stream).isEmpty)
  }

  func testCropsHaveTheAreaAndTheRatioAskedFor() {
    // The largest of these rectangles fits, so none is drawn anew.
    let crop = RandomResizedCrop(32, scale: 0.2...0.6, ratio: 0.8...1.25)
    var stream = RandomStream(seed: 6)
    var (wide, small, high) = (0, 0, 0)
    for _ in 0..<trials {
      let region = crop.region(in: 1_000, using: &stream)
      let (height, width) = (Double(region.size.height), Double(region.size.width))
      XCTAssert(
        region.top >= 0 && region.left >= 0 && region.top + region.size.height <= 1_000
          && region.left + region.size.width <= 1_000, "\(region)")
      XCTAssert((0.198...0.602).contains(height * width / 1_000_000), "\(region)")
      XCTAssert((0.795...1.255).contains(width / height), "\(region)")
      wide += width > height ? 1 : 0
      small += height * width < 400_000 ? 1 : 0
      high += region.top < (1_001 - region.size.height) / 2 ? 1 : 0
    }
    assertFrequency(wide, of: trials, 0.5, "wider than high")
    assertFrequency(small, of: trials, 0.5, "smaller than the middle of the range")
    assertFrequency(high, of: trials, 0.5, "in the upper half")
  }

  func testCropsThatCannotFitAreTheLargestCentralPart() {
    let crop = RandomResizedCrop(8, scale: 1...1)
    var stream = RandomStream(seed: 7)
    XCTAssertEqual(
      crop.region(in: [1_000, 10], using: &stream), Region(top: 493, left: 0, size: [13, 10]))
    XCTAssertEqual(
      crop.region(in: [10, 1_000], using: &stream), Region(top: 0, left: 493, size: [10, 13]))
    XCTAssertEqual(crop.region(in: 1, using: &stream), .whole(1))
  }

  func testKerasCropsCutTheSideThatIsTooLong() {
    let crop = RandomResizedCrop(8, scale: 1...1, ratio: 4...4, overflow: .clip)
    var stream = RandomStream(seed: 7)
    let region = crop.region(in: 100, using: &stream)
    XCTAssertEqual(region.size, [50, 100])
    XCTAssertEqual(region.left, 0)
  }

  func testCropsOfAPixelFillTheView() {
    let image = randomImage(9, 7, 3)
    var stream = RandomStream(seed: 8)
    let crop = RandomResizedCrop([3, 5], scale: 1e-6...1e-6, overflow: .clip)
    let view = crop(image, using: &stream)
    XCTAssertEqual(view.size, [3, 5])
    for channel in 0..<3 { XCTAssertEqual(view[0, 0, channel], view[2, 4, channel]) }
  }

  func testDerivedBlurTapsReachThreeStandardDeviations() {
    for sigma in [0.1, 0.5, 1, 2, 7] as [Float] {
      let taps = GaussianBlur().taps(sigma: sigma)
      XCTAssertEqual(taps.count, 2 * Int((3 * sigma).rounded(.up)) + 1)
      XCTAssertEqual(taps.reduce(0, +), 1, accuracy: 1e-6)
      XCTAssertEqual(taps, taps.reversed())
    }
    // exp(-d² / 2) over its sum, at d = 3, 2, 1, 0
    let expected: [Float] = [0.00443305, 0.05400558, 0.24203623, 0.39905028]
    for (tap, value) in zip(GaussianBlur().taps(sigma: 1), expected) {
      XCTAssertEqual(tap, value, accuracy: 1e-7)
    }
  }

  func testGoogleBlurLooksAtATenthOfTheHeight() {
    let counts = [10: 1, 19: 1, 32: 3, 96: 9, 224: 23]
    for (height, count) in counts {
      XCTAssertEqual(GaussianBlur.simCLR(imageHeight: height).taps(sigma: 1).count, count)
    }
  }

  func testBlurWidthsAndBrightnessOffsetsStayInTheirRanges() {
    var stream = RandomStream(seed: 9)
    for _ in 0..<trials {
      XCTAssert((0.1...2).contains(GaussianBlur().sigma(using: &stream)))
      XCTAssert((-0.3...0.3).contains(RandomBrightness(0.3).offset(using: &stream)))
    }
  }

  /// kornia's ranges: a threshold in 0.4...0.6, after an addition in -0.1...0.1 that is clipped.
  func testSolarizeDrawsThresholdAndAddition() {
    var stream = RandomStream(seed: 9)
    var (thresholds, additions): ([Float], [Float]) = ([], [])
    for _ in 0..<trials {
      let (threshold, addition) = RandomSolarize().draw(using: &stream)
      thresholds.append(threshold)
      additions.append(addition)
    }
    for (drawn, range) in [(thresholds, 0.4...0.6), (additions, -0.1...0.1)]
      as [([Float], ClosedRange<Float>)]
    {
      XCTAssertTrue(drawn.allSatisfy(range.contains))
      XCTAssertEqual(drawn.min() ?? 9, range.lowerBound, accuracy: 1e-3)
      XCTAssertEqual(drawn.max() ?? 9, range.upperBound, accuracy: 1e-3)
    }
    let image = PixelImage(Tensor([0, 0.3, 0.45, 0.5, 1], shape: [1, 5, 1]))
    let view = RandomSolarize(thresholds: 0.5...0.5, additions: 0.1...0.1)(image, using: &stream)
    // 0.1, 0.4, 0.55, 0.6 and 1, for 1.1 is clipped; then 1 - x from 0.5 on.
    for (found, expected) in zip(view.pixels.scalars, [0.1, 0.4, 0.45, 0.4, 0] as [Float]) {
      XCTAssertEqual(found, expected, accuracy: 1e-6)
    }
  }

  func testCutoutPaintsOneRectangle() {
    var stream = RandomStream(seed: 10)
    for channels in [1, 3, 5] {
      let cutout = Cutout(side: 0.25...0.5, value: -1)
      for _ in 0..<100 {
        var same = stream
        let region = cutout.region(in: [8, 12], using: &same)
        let view = cutout(PixelImage(.ones([8, 12, channels])), using: &stream)
        let painted = view.pixels.scalars.filter { $0 == -1 }.count
        XCTAssertEqual(painted, region.size.height * region.size.width * channels)
        XCTAssert((1...4).contains(region.size.height) && (1...6).contains(region.size.width))
      }
    }
  }

  /// Which of the four changes it is, and its number.
  private func numbered(_ adjustment: ColorAdjustment) -> (kind: Int, number: Float) {
    switch adjustment {
    case .brightness(let factor): (0, factor)
    case .contrast(let factor): (1, factor)
    case .saturation(let factor): (2, factor)
    case .hue(let turn): (3, turn)
    }
  }
}
