import SelfSupervised
import Tensor
import XCTest

/// The fast loops against the slow twins, at sizes and channel counts that reach every branch.
final class TwinTests: XCTestCase {
  func testResampling() {
    let sizes: [Size2D] = [1, [1, 7], [7, 1], [5, 9], [13, 4], [24, 21]]
    for channels in [1, 2, 3, 4, 5] {
      let image = randomImage(17, 19, channels)
      for source in [Size2D.init(height: 1, width: 1), [17, 19], [3, 11], [16, 2]] {
        let region = Region(
          top: (17 - source.height) / 2, left: 19 - source.width, size: source)
        for size in sizes {
          for mode in [Interpolation.bilinear, .bicubic] {
            assertClose(
              image.resized(from: region, to: size, mode),
              slowResize(image, from: region, to: size, mode),
              "\(channels) channels, \(source) to \(size), \(mode)")
          }
        }
      }
    }
  }

  func testBlurring() {
    for (height, width, channels) in [(1, 1, 3), (1, 8, 1), (6, 2, 5), (9, 13, 3), (21, 34, 1)] {
      let image = randomImage(height, width, channels)
      for sigma in [0.01, 0.4, 2] as [Float] {
        for kernelSize in [nil, 1, 3, 9] as [Int?] {
          for padding in [GaussianBlur.Padding.reflect, .zero] {
            let taps = GaussianBlur(kernelSize: kernelSize).taps(sigma: sigma)
            assertClose(
              image.blurred(taps: taps, padding: padding),
              slowBlur(image, taps: taps, padding: padding),
              "\(image), sigma \(sigma), \(taps.count) taps, \(padding)")
          }
        }
      }
    }
  }

  func testColorAdjustments() {
    // 1 pixel, a part of a block, and one block and a part
    for (height, width) in [(1, 1), (7, 5), (15, 19)] {
      for channels in [1, 3, 5] {
        let image = randomImage(height, width, channels)
        var mean = 0.0
        for row in 0..<height {
          for column in 0..<width { mean += slowGray(image, row, column) / Double(height * width) }
        }
        for factor in [0, 0.4, 1, 1.8] as [Float] {
          assertClose(
            image.adjusted(by: [.brightness(factor)]), slowBlend(image, factor) { _, _ in 0 })
          assertClose(
            image.adjusted(by: [.contrast(factor)]), slowBlend(image, factor) { _, _ in mean })
          let faded = slowBlend(image, factor) { slowGray(image, $0, $1) }
          assertClose(image.adjusted(by: [.saturation(factor)]), channels == 3 ? faded : image)
        }
        for turn in [-0.5, -0.1, 0, 0.3, 0.5] as [Float] {
          let turned = channels == 3 ? slowHue(image, turn: Double(turn)) : image
          assertClose(image.adjusted(by: [.hue(turn)]), turned, accuracy: 1e-5)
        }
      }
    }
  }

  func testAdjustmentsInAChainAreThoseOneByOne() {
    let image = randomImage(20, 23, 3)
    let changes: [ColorAdjustment] = [
      .contrast(1.5), .hue(0.2), .saturation(0.5), .contrast(0.5), .brightness(1.2),
    ]
    let oneByOne = changes.reduce(image) { $0.adjusted(by: [$1]) }
    XCTAssertEqual(image.adjusted(by: changes).pixels.scalars, oneByOne.pixels.scalars)
  }

  func testFlips() {
    for (height, width, channels) in [(1, 1, 1), (4, 5, 3), (5, 4, 2)] {
      let image = randomImage(height, width, channels)
      XCTAssertEqual(
        image.flippedHorizontally().pixels.scalars, image.pixels.flipped([1]).scalars)
      XCTAssertEqual(image.flippedVertically().pixels.scalars, image.pixels.flipped([0]).scalars)
    }
  }

  func testNormalizeAndItsInverse() {
    let image = randomImage(4, 3, 2)
    let normalize = Normalize(mean: [0.5, 0.25], standardDeviation: [2, 0.5])
    var stream = RandomStream(seed: 0)
    let view = normalize(image, using: &stream)
    XCTAssertEqual(view[3, 2, 0], (image[3, 2, 0] - 0.5) / 2, accuracy: 1e-6)
    XCTAssertEqual(view[3, 2, 1], (image[3, 2, 1] - 0.25) / 0.5, accuracy: 1e-6)
    assertClose(normalize.inverse(view, using: &stream), image)
  }

  func testImageNetNormalizationOfOtherChannelCounts() {
    var stream = RandomStream(seed: 0)
    for channels in [1, 5] {
      let image = randomImage(2, 2, channels)
      let view = Normalize.imageNet(image, using: &stream)
      XCTAssertEqual(view[1, 1, 0], (image[1, 1, 0] - 0.449) / 0.226, accuracy: 1e-5)
      assertClose(Normalize.imageNet.inverse(view, using: &stream), image, accuracy: 1e-5)
    }
  }
}
