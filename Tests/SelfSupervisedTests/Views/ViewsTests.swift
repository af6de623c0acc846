import SelfSupervised
import Tensor
import XCTest

final class ViewsTests: XCTestCase {
  private let stream = RandomStream(seed: 15)

  private var copies: Tensor {
    var draws = RandomStream(seed: 16)
    let image = Tensor.uniform([1, 12, 10, 3], using: &draws)
    return concatenated([Tensor](repeating: image, count: 64))
  }

  func testCopiesOfOneImageGetDifferentViews() {
    let views = views(of: copies, by: .simCLR(imageSize: [8, 9]), using: stream)
    XCTAssertEqual(views.shape, [64, 8, 9, 3])
    XCTAssertEqual(Set((0..<64).map { views[$0].scalars }).count, 64)
  }

  func testViewsDependOnTheSeedAlone() {
    let before = Threads.count
    defer { Threads.count = before }
    let presets: [Compose] = [
      .simCLR(imageSize: 8), .byolPyTorch(imageSize: [5, 9]), .mocoV2(imageSize: 8),
    ]
    for preset in presets {
      Threads.count = 1
      let whole = views(of: copies, by: preset, using: stream)
      Threads.count = 2
      XCTAssertEqual(views(of: copies, by: preset, using: stream).scalars, whole.scalars)
      let halves = concatenated([
        views(of: copies[0..<32], by: preset, using: stream),
        views(of: copies[32..<64], by: preset, firstIndex: 32, using: stream),
      ])
      XCTAssertEqual(halves.scalars, whole.scalars)
      let other = views(of: copies, by: preset, using: RandomStream(seed: 17))
      XCTAssertNotEqual(other.scalars, whole.scalars)
    }
  }

  func testTheImagesStayAsTheyWere() {
    let images = copies
    let before = images.scalars
    _ = views(of: images, by: Compose([Solarize(), GaussianBlur()]), using: stream)
    XCTAssertEqual(images.scalars, before)
    // The only image of a batch begins where the batch does, and is shared all the same.
    let one = images[0..<1]
    _ = views(of: one, by: Solarize(), using: stream)
    XCTAssertEqual(one.scalars, Array(before.prefix(one.elementCount)))
  }

  func testAClosureIsAnAugmentation() {
    let inverted = LambdaAugmentation { image, _ in PixelImage(1 - image.pixels) }
    XCTAssertEqual(views(of: copies, by: inverted, using: stream).scalars, (1 - copies).scalars)
    let twice = inverted.followed(by: inverted.applied(probability: 1))
    let same = views(of: copies, by: twice, using: stream).scalars
    XCTAssert(zip(same, copies.scalars).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  /// Sizes that augmentations announce are those they make, and change nothing of the views.
  func testAnnouncedSizesAreThoseOfTheViews() {
    let known: [(any Augmentation, Size2D)] = [
      (.simCLR(imageSize: [8, 9]), [8, 9]), (.byolPyTorch(imageSize: [5, 9]), [5, 9]),
      (.pixelCL(), [12, 10]), (Resize(shorterSide: 5), [6, 5]), (CenterCrop([4, 3]), [4, 3]),
      (TrackedCrop(7), 7), (Cutout(), [12, 10]), (IdentityAugmentation(), [12, 10]),
    ]
    for (augmentation, size) in known {
      XCTAssertEqual(augmentation.viewSize(of: [12, 10]), size)
      let drawn = views(of: copies, by: augmentation, using: stream)
      XCTAssertEqual(drawn.shape, [64, size.height, size.width, 3])
      let unknown = LambdaAugmentation { augmentation($0, using: &$1) }
      XCTAssertNil(unknown.viewSize(of: [12, 10]))
      XCTAssertEqual(views(of: copies, by: unknown, using: stream).scalars, drawn.scalars)
    }
    XCTAssertNil(CenterCrop(4).applied(probability: 0.5).viewSize(of: [12, 10]))
    XCTAssertEqual(CenterCrop(4).applied(probability: 0.5).viewSize(of: 4), 4)
    XCTAssertNil(Compose([LambdaAugmentation { image, _ in image }, Clip()]).viewSize(of: 4))
  }

  func testPresetsByLeadingDot() {
    func described(_ augmentation: any Augmentation) -> String { "\(type(of: augmentation))" }
    XCTAssertEqual(described(.simCLR(imageSize: 32)), "Compose")
    let stored: any Augmentation = .byolSecond(imageSize: 32)
    XCTAssertEqual(described(stored), "Compose")
    XCTAssertEqual(views(of: copies, by: stored, using: stream).shape, [64, 32, 32, 3])
  }
}
