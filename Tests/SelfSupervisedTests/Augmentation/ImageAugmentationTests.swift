import SelfSupervised
import Tensor
import XCTest

final class ImageAugmentationTests: XCTestCase {
  /// A batch is normalised as its images are one by one, and the inverse undoes it.
  func testNormalizedBatches() {
    var stream = RandomStream(seed: 11)
    for (normalize, channels) in [
      (Normalize.imageNet, 3), (Normalize.imageNet, 1),
      (Normalize(mean: [0.1, 0.2], standardDeviation: [0.3, 2]), 2),
    ] {
      let images = Tensor.uniform([2, 3, 4, channels], in: 0..<1, using: &stream)
      let batch = normalize(images)
      for index in 0..<2 {
        let image = normalize(PixelImage(images[index]), using: &stream)
        XCTAssertLessThan(abs(batch[index] - image.pixels).max().item, 1e-5)
      }
      XCTAssertLessThan(abs(normalize.inverse(batch) - images).max().item, 1e-6)
    }
  }

  func testAugmentationsChangeAnImageOfTheirOwnInPlace() {
    let steps: [any Augmentation] = [
      HorizontalFlip(), VerticalFlip(), Grayscale(), Solarize(), Clip(), RandomBrightness(0.5),
      GaussianBlur(), Cutout(), Normalize.imageNet, IdentityAugmentation(),
      ColorJitter(brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.2),
    ]
    var stream = RandomStream(seed: 3)
    for step in steps + [Compose(steps.map { $0.applied(probability: 0.9) })] {
      let image = randomImage(5, 6, 3)
      let place = image.pixels.pointer
      let view = step(consume image, using: &stream)
      XCTAssertEqual(view.pixels.pointer, place, "\(type(of: step)) copied the image")
    }
  }

  func testAugmentationsLeaveTheCallersImageAlone() {
    let image = randomImage(5, 6, 3)
    let before = image.pixels.scalars
    var stream = RandomStream(seed: 3)
    _ = Compose.byolPyTorch(imageSize: 4)(image, using: &stream)
    _ = Compose([GaussianBlur(), Solarize()])(image, using: &stream)
    XCTAssertEqual(image.pixels.scalars, before)
  }

  func testTheMiddleOfAnImage() {
    // torchvision rounds an odd half to the even offset: 3 / 2 to 2, 5 / 2 to 2
    var stream = RandomStream(seed: 0)
    let center = CenterCrop([1, 2])(randomImage(4, 7, 1), using: &stream)
    XCTAssertEqual(
      center.pixels.scalars,
      randomImage(4, 7, 1).pixels.cropped(at: [2, 2, 0], shape: [1, 2, 1]).scalars)
  }

  func testResizeKeepsProportionsOfTheShorterSide() {
    XCTAssertEqual(Resize(shorterSide: 10).size(of: [20, 35]), [10, 17])
    XCTAssertEqual(Resize(shorterSide: 10).size(of: [9, 4]), [22, 10])
    XCTAssertEqual(Resize([3, 4]).size(of: [9, 4]), [3, 4])
  }
}
