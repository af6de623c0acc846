import SelfSupervised
import Tensor
import XCTest

/// Against numbers from torchvision 0.29: Fixtures/torchvision_augmentations.py.
final class TorchvisionParityTests: XCTestCase {
  func testCropAndResize() throws {
    let fixture = try TorchvisionFixture()
    let cases: [(name: String, image: String, region: Region, size: Size2D)] = [
      ("up", "color", Region(top: 1, left: 2, size: [4, 5]), [8, 11]),
      ("down", "large", Region(top: 1, left: 2, size: [12, 13]), [5, 4]),
      ("mixed", "large", Region(top: 0, left: 0, size: [13, 6]), [4, 9]),
      ("pixel", "color", Region(top: 3, left: 4, size: 1), [3, 2]),
      ("gray", "gray", Region(top: 1, left: 0, size: [5, 4]), [3, 7]),
    ]
    for (name, image, region, size) in cases {
      for (mode, interpolation) in [("bilinear", Interpolation.bilinear), ("bicubic", .bicubic)] {
        let view = try fixture.image(image).resized(from: region, to: size, interpolation)
        assertClose(view, try fixture.image("\(mode).\(name)"), "\(mode).\(name)")
      }
    }
  }

  func testColorAdjustments() throws {
    let fixture = try TorchvisionFixture()
    let cases: [(String, [ColorAdjustment])] = [
      ("brightness.0.3", [.brightness(0.3)]), ("brightness.1.7", [.brightness(1.7)]),
      ("contrast.0.3", [.contrast(0.3)]), ("contrast.1.7", [.contrast(1.7)]),
      ("saturation.0.3", [.saturation(0.3)]), ("saturation.1.7", [.saturation(1.7)]),
      ("hue.-0.5", [.hue(-0.5)]), ("hue.-0.17", [.hue(-0.17)]), ("hue.0.2", [.hue(0.2)]),
      ("chain", [.hue(0.1), .brightness(1.4), .contrast(0.6), .saturation(1.5)]),
    ]
    for (name, adjustments) in cases {
      let view = try fixture.image("color").adjusted(by: adjustments)
      assertClose(view, try fixture.image(name), name)
    }
    assertClose(
      try fixture.image("gray").adjusted(by: [.contrast(1.7)]), try fixture.image("contrast.gray"))
  }

  func testGrayscaleSolarizeAndNormalize() throws {
    let fixture = try TorchvisionFixture()
    let color = try fixture.image("color")
    var stream = RandomStream(seed: 0)
    assertClose(Grayscale()(color, using: &stream), try fixture.image("grayscale"))
    assertClose(Solarize(threshold: 0.5)(color, using: &stream), try fixture.image("solarize"))
    assertClose(Normalize.imageNet(color, using: &stream), try fixture.image("normalize"))
  }

  func testGaussianBlur() throws {
    let fixture = try TorchvisionFixture()
    let cases: [(name: String, image: String, taps: Int, sigma: Float)] = [
      ("blur.3", "color", 3, 0.8), ("blur.9", "large", 9, 1.7), ("blur.tiny", "color", 3, 0.1),
    ]
    for (name, image, taps, sigma) in cases {
      let blur = GaussianBlur(kernelSize: taps, sigma: sigma...sigma)
      var stream = RandomStream(seed: 0)
      let view = try blur(fixture.image(image), using: &stream)
      assertClose(view, try fixture.image(name), name)
    }
  }
}
