import Datasets
import Nets
import SelfSupervised
import Tensor
import XCTest

@testable import Training

/// Trainings on images of other than three channels.
final class ManyChannelTests: XCTestCase {
  /// Two images of five channels, of one value each: channel c is c/5.
  private let images = LabeledImages(
    images: Tensor((0..<2 * 64 * 5).map { Float($0 % 5) / 5 }, shape: [2, 8, 8, 5]))

  private var learner: any Learner {
    let recipe = Recipe(.simclr, for: .photographs).suiting(channels: 5)
    let net = withRandomSeed(0) {
      ResNet(depth: .resNet10, stem: .small, width: 4, inputChannels: 5)
    }
    return SimCLR(
      net, imageSize: 8, hiddenLayer: "avgpool", augmentation: recipe.augmentation(Size2D(8)),
      seed: 0)
  }

  func testViewsShowTheChannelsThatAreAskedFor() {
    for (channels, expected) in [
      (nil, [0, 0.2, 0.4]), ([4], [0.8, 0.8, 0.8]), ([3, 0, 2], [0.6, 0, 0.4]),
    ] as [([Int]?, [Float])] {
      let grid = learner.viewGrid(of: images, magnification: 1, channels: channels).image
      for channel in 0..<3 {
        XCTAssertEqual(grid[4, 4, channel], expected[channel], accuracy: 1e-6)
      }
    }
  }

  func testViewsOfManyChannelsKeepTheirRatiosUnderBrightness() {
    let recipe = Recipe(.simclr, for: .photographs)
    let colors = recipe.suiting(channels: 5).colors
    XCTAssertEqual(colors, ViewColors(brightness: 0.4, contrast: 0.4, jitterProbability: 0.8))
    XCTAssertEqual(recipe.suiting(channels: 3).colors, recipe.colors)
    let brightness = ColorJitter(brightness: 0.2)
    var stream = RandomStream(seed: 1)
    let view = brightness(PixelImage(images.images(in: 0..<1)[0]), using: &stream)
    let factor = view[0, 0, 1] / 0.2
    for channel in 0..<5 {
      XCTAssertEqual(view[3, 5, channel], Float(channel) / 5 * factor, accuracy: 1e-6)
    }
  }

  func testAStepOfFiveChannels() {
    let learner = learner
    let loss = learner(images.images(in: 0..<2))
    loss.backward()
    XCTAssertTrue(loss.item.isFinite)
    let first = learner.net.state.entries.first { $0.value.shape.rank == 4 }
    XCTAssertEqual(first?.value.shape.dimensions.contains(5), true)
  }
}
