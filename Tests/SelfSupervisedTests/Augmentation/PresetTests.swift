import SelfSupervised
import Tensor
import XCTest

/// The order and the probabilities of every preset, as its source has them.
final class PresetTests: XCTestCase {
  private struct Expectation {
    let name: String
    let preset: Compose
    /// The steps in order; a probability of `nil` means that the step is not left to chance.
    let steps: [(name: String, probability: Double?)]
  }

  private let moco: [(String, Double?)] = [
    ("RandomResizedCrop", nil), ("ColorJitter", 0.8), ("Grayscale", 0.2), ("GaussianBlur", 0.5),
    ("HorizontalFlip", 0.5), ("Normalize", nil),
  ]
  private let simCLR: [(String, Double?)] = [
    ("RandomResizedCrop", nil), ("HorizontalFlip", 0.5), ("ColorJitter", 0.8), ("Grayscale", 0.2),
    ("Clip", nil),
  ]

  private func byol(_ blur: Double, _ solarize: Double) -> [(String, Double?)] {
    [
      ("RandomResizedCrop", nil), ("HorizontalFlip", 0.5), ("ColorJitter", 0.8),
      ("Grayscale", 0.2), ("GaussianBlur", blur), ("Solarize", solarize), ("Clip", nil),
      ("Normalize", nil),
    ]
  }

  private var expectations: [Expectation] {
    let size: Size2D = 40
    return [
      Expectation(
        name: "simCLR", preset: .simCLR(imageSize: size),
        steps: simCLR + [("GaussianBlur", 0.5)]),
      Expectation(name: "simCLRSmall", preset: .simCLRSmall(), steps: simCLR),
      Expectation(name: "byolFirst", preset: .byolFirst(imageSize: size), steps: byol(1, 0)),
      Expectation(name: "byolSecond", preset: .byolSecond(imageSize: size), steps: byol(0.1, 0.2)),
      Expectation(name: "dinoFirst", preset: .dinoFirst(imageSize: size), steps: byol(1, 0)),
      Expectation(name: "dinoSecond", preset: .dinoSecond(imageSize: size), steps: byol(0.1, 0.2)),
      Expectation(name: "dinoLocal", preset: .dinoLocal(imageSize: size), steps: byol(0.5, 0)),
      Expectation(
        name: "pixProFirst", preset: .pixProFirst(imageSize: size),
        steps: Array(byol(1, 0).dropFirst(2))),
      Expectation(
        name: "pixProSecond", preset: .pixProSecond(imageSize: size),
        steps: Array(byol(0.1, 0.2).dropFirst(2))),
      Expectation(
        name: "byolPyTorch", preset: .byolPyTorch(imageSize: size),
        steps: [
          ("ColorJitter", 0.3), ("Grayscale", 0.2), ("HorizontalFlip", 0.5), ("GaussianBlur", 0.2),
          ("RandomResizedCrop", nil), ("Normalize", nil),
        ]),
      Expectation(name: "mocoV2", preset: .mocoV2(imageSize: size), steps: moco),
      Expectation(name: "simSiam", preset: .simSiam(imageSize: size), steps: moco),
      Expectation(
        name: "simSiam on CIFAR-10", preset: .simSiam(imageSize: 32, blur: false),
        steps: moco.filter { $0.0 != "GaussianBlur" }),
      Expectation(
        name: "aiSummer", preset: .aiSummer(imageSize: size),
        steps: [
          ("RandomResizedCrop", nil), ("HorizontalFlip", 0.5), ("ColorJitter", 0.8),
          ("GaussianBlur", 0.5), ("Grayscale", 0.2), ("Normalize", nil),
        ]),
      Expectation(
        name: "pixelCL", preset: .pixelCL(),
        steps: [
          ("ColorJitter", 0.8), ("Grayscale", 0.2), ("GaussianBlur", 0.1),
          ("RandomSolarize", 0.5),
          ("Normalize", nil),
        ]),
      Expectation(
        name: "nnclr", preset: .nnclr(imageSize: size),
        steps: [("HorizontalFlip", 0.5), ("RandomResizedCrop", nil), ("RandomBrightness", nil)]),
      Expectation(
        name: "nnclrClassification", preset: .nnclrClassification(imageSize: size),
        steps: [("HorizontalFlip", 0.5), ("RandomResizedCrop", nil), ("RandomBrightness", nil)]),
    ]
  }

  func testOrder() {
    for expected in expectations {
      let bases = expected.preset.steps.map { ($0 as? RandomApply)?.base ?? $0 }
      let names = bases.map { String(describing: type(of: $0)) }
      XCTAssertEqual(names, expected.steps.map(\.name), expected.name)
      XCTAssertEqual(
        expected.preset.steps.map { $0 is RandomApply },
        expected.steps.map { $0.probability != nil }, expected.name)
    }
  }

  func testEveryProbability() {
    let (image, trials) = (randomImage(8, 8, 3), 10_000)
    for expected in expectations {
      for (step, (name, probability)) in zip(expected.preset.steps, expected.steps) {
        guard let probability else { continue }
        var (stream, fired) = (RandomStream(seed: 11), 0)
        for _ in 0..<trials {
          var coinOnly = stream
          _ = coinOnly.uniform()
          let view = step(image, using: &stream)
          // A very narrow blur changes no number, but it has drawn its width.
          if view.pixels.pointer != image.pixels.pointer || stream != coinOnly { fired += 1 }
        }
        assertFrequency(fired, of: trials, probability, "\(name) of \(expected.name)")
      }
    }
  }

  func testAFifthOfWholeViewsIsGray() {
    let trials = 10_000
    let image = randomImage(6, 6, 3)
    var gray = 0
    for index in 0..<trials {
      var stream = RandomStream(seed: 12).split(index)
      let view = Compose.simCLR(imageSize: 4)(image, using: &stream)
      let spread = view.pixels.max(axes: [2]) - view.pixels.min(axes: [2])
      if spread.scalars.allSatisfy({ $0 == 0 }) { gray += 1 }
    }
    assertFrequency(gray, of: trials, 0.2)
  }

  func testStrengths() {
    func jitter(_ preset: Compose) -> [Float] {
      let found = preset.steps.compactMap { ($0 as? RandomApply)?.base as? ColorJitter }.first
      return found.map { [$0.brightness, $0.contrast, $0.saturation, $0.hue] } ?? []
    }
    XCTAssertEqual(jitter(.simCLR(imageSize: 32)), [0.8, 0.8, 0.8, 0.2])
    XCTAssertEqual(jitter(.simCLRSmall()), [0.4, 0.4, 0.4, 0.1])
    XCTAssertEqual(jitter(.byolFirst(imageSize: 32)), [0.4, 0.4, 0.2, 0.1])
    XCTAssertEqual(jitter(.byolPyTorch(imageSize: 32)), [0.8, 0.8, 0.8, 0.2])
    XCTAssertEqual(jitter(.mocoV2(imageSize: 32)), [0.4, 0.4, 0.4, 0.1])
  }

  func testEveryPresetTakesAnyChannelCountAndShape() {
    for channels in [1, 3, 5] {
      for (height, width) in [(1, 1), (9, 40), (48, 33)] {
        let image = randomImage(height, width, channels)
        for expected in expectations {
          var stream = RandomStream(seed: 13)
          let view = expected.preset(image, using: &stream)
          XCTAssertEqual(view.channels, channels, expected.name)
          XCTAssert(view.pixels.scalars.allSatisfy(\.isFinite), expected.name)
        }
      }
    }
    var stream = RandomStream(seed: 13)
    let view = Compose.simCLR(imageSize: [12, 20])(randomImage(31, 17, 3), using: &stream)
    XCTAssertEqual(view.size, [12, 20])
  }

  func testViewsThatAreNotNormalizedStayBetweenZeroAndOne() {
    let presets: [Compose] = [
      .simCLR(imageSize: 16), .byolFirst(imageSize: 16, normalization: nil),
      .byolSecond(imageSize: 16, normalization: nil),
      .byolPyTorch(imageSize: 16, normalization: nil), .nnclr(imageSize: 16),
    ]
    var draws = RandomStream(seed: 14)
    // Black and white only, where bicubic resizing overshoots the most.
    let image = PixelImage(Tensor.uniform([20, 20, 3], using: &draws).map { $0 > 0.5 ? 1 : 0 })
    for preset in presets {
      for index in 0..<200 {
        var stream = draws.split(index)
        let values = preset(image, using: &stream).pixels.scalars
        XCTAssert(values.allSatisfy { (-1e-6...1 + 1e-6).contains($0) })
      }
    }
  }
}

extension Tensor {
  fileprivate func map(_ change: (Float) -> Float) -> Tensor {
    Tensor(scalars.map(change), shape: shape)
  }
}
