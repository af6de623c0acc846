import Nets
import Tensor
import TestSupport

@testable import SelfSupervised

/// A pixel-level learner with the numbers and the regions that `Fixtures/pixelcl.py` gave the
/// reference.
struct PixelReferenceRun {
  enum Kind: String, CaseIterable {
    case lucidrainsPixPro = "lucidrains-pixpro"
    case lucidrainsContrast = "lucidrains-contrast"
    case officialPixPro = "official-pixpro"
    case officialContrast = "official-contrast"

    var variant: PixelVariant {
      self == .officialPixPro || self == .officialContrast ? .official : .lucidrains
    }
    var usesPixPro: Bool { self == .officialPixPro || self == .lucidrainsPixPro }
  }

  static let alpha: Float = 0.75
  let kind: Kind
  let run: ReferenceRun<PixelCLMethod>
  private let size: Size2D = [24, 32]

  init(_ kind: Kind, layerCount: Int = 1, gamma: Float = 2) throws {
    self.kind = kind
    run = try ReferenceRun(
      PixelCL(
        ResNet.small(), imageSize: size, hiddenLayerPixel: "layer3",
        hiddenLayer: "avgpool", projectionSize: 32, projectionHiddenSize: 64,
        propagationLayerCount: layerCount, propagationGamma: gamma, distanceThreshold: 0.7137,
        alpha: Self.alpha, usesPixPro: kind.usesPixPro, cropInterpolation: .nearest,
        variant: kind.variant))
  }

  var learner: PixelCL { run.learner }

  /// The loss as published, and the pairs: the authors' PixPro loss is 4 less.
  func step(_ name: String, count: Int) -> (loss: Tensor, published: Double, pairs: Int) {
    let loss = learner.stepLoss(of: views(name, count: count))
    let offset = kind == .officialPixPro ? 4 * Double(Self.alpha) : 0
    let pairs = Int(loss.metrics["positive_pairs"] ?? -1)
    return (loss.value, Double(loss.item) - offset, pairs)
  }

  /// Regions of half an image up to all of it: one for all images of a batch, as the package has it,
  /// or one for each.
  private func views(_ name: String, count: Int) -> PixelViews {
    let images = Formula.images(name, view: 1, count, size: size)
    let regions = (1...2).map { number -> [ViewRegion] in
      let drawn = Formula.integers("\(name)/\(number)", count * 5)
      let each = (0..<count).map { n -> ViewRegion in
        let d = drawn[(5 * n)..<(5 * n + 5)].map { $0 }
        let part = Size2D(height: 12 + d[0] % 13, width: 16 + d[1] % 17)
        let (top, left) = (d[2] % (25 - part.height), d[3] % (33 - part.width))
        return ViewRegion(
          Region(top: top, left: left, size: part), of: size, isFlipped: d[4].isMultiple(of: 4))
      }
      return kind.variant == .official ? each : [ViewRegion](repeating: each[0], count: count)
    }
    func made(_ regions: [ViewRegion]) -> Tensor {
      stacked(
        regions.indices.map {
          learner.method.crop.view(of: PixelImage(images[$0]), regions[$0]).pixels
        })
    }
    return PixelViews(
      images: ViewPair(first: made(regions[0]), second: made(regions[1])),
      first: regions[0], second: regions[1])
  }
}
