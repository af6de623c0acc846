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
    let inverted = AnyAugmentation { image, _ in Image(1 - image.pixels) }
    XCTAssertEqual(views(of: copies, by: inverted, using: stream).scalars, (1 - copies).scalars)
    let twice = inverted.followed(by: inverted.applied(probability: 1))
    let same = views(of: copies, by: twice, using: stream).scalars
    XCTAssert(zip(same, copies.scalars).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  func testPresetsByLeadingDot() {
    func described(_ augmentation: any Augmentation) -> String { "\(type(of: augmentation))" }
    XCTAssertEqual(described(.simCLR(imageSize: 32)), "Compose")
    let stored: any Augmentation = .byolSecond(imageSize: 32)
    XCTAssertEqual(described(stored), "Compose")
    XCTAssertEqual(views(of: copies, by: stored, using: stream).shape, [64, 32, 32, 3])
  }
}
