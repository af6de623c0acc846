import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// What a learner lets pass; what stops it is in TrapTests.
final class InputCheckTests: XCTestCase {
  func testAugmentationsThatExpectTheUnitRange() {
    let size: Size2D = 16
    for preset in [
      Compose.simCLR(imageSize: size), .byolFirst(imageSize: size), .mocoV2(imageSize: size),
      .pixelCL(), .nnclr(imageSize: size), .aiSummer(imageSize: size),
    ] {
      XCTAssertTrue(preset.expectsUnitRange)
    }
    for other in [
      HorizontalFlip(), RandomResizedCrop(size), GaussianBlur(), Grayscale(), Normalize.imageNet,
      IdentityAugmentation(), LambdaAugmentation { image, _ in image },
      Compose([HorizontalFlip().applied(probability: 0.5), RandomResizedCrop(size)]),
    ] as [any Augmentation] {
      XCTAssertFalse(other.expectsUnitRange)
    }
  }

  /// The ends of the range, what cubic resampling adds, and any values where nothing clips.
  func testImagesThatPass() {
    let learner = SimCLR(PlainCNN(), imageSize: 16, hiddenLayer: "pool", seed: 1)
    for value in [0, 1, -0.05, 1.1] as [Float] {
      XCTAssertEqual(
        learner.viewPair(of: .full(value, [2, 20, 20, 3])).first.shape, [2, 16, 16, 3])
    }
    let plain = SimCLR(
      PlainCNN(), imageSize: 16, hiddenLayer: "pool", augmentation: RandomResizedCrop(16), seed: 1)
    XCTAssertEqual(plain.viewPair(of: .full(255, [2, 20, 20, 3])).first.scalars[0], 255)
    let small = SimCLR(PlainCNN(), imageSize: 16, hiddenLayer: "pool", seed: 1)
    XCTAssertEqual(small.viewPair(of: .zeros([2, 3, 20, 3])).first.shape, [2, 16, 16, 3])
  }
}
