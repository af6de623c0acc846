import Datasets
import SelfSupervised

/// A way to train the network, or none.
enum Way: String, CaseIterable {
  case untrained, byol = "BYOL", pixContrast = "PixContrast", pixPro = "PixPro"

  /// The layer whose pixels are learnt and judged: a map of a quarter of the image's height and
  /// width.
  static var layer: HiddenLayer { "layer3" }

  /// A learner of this kind around `net`, for views of `size`; nil if there is nothing to train.
  ///
  /// All draw the same crops, flips and colours.
  func learner(_ net: ResNet, size: Size2D, _ options: Options) -> (any Learner)? {
    let extent = TrackedCrop.Extent.area(0.3...1)
    let colors: [any Augmentation] = [
      ColorJitter(brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.5),
      Grayscale().applied(probability: 0.5),
    ]
    let decay = MovingAverageDecay.cosine(from: 0.99, steps: options.steps)
    switch self {
    case .untrained: return nil
    case .byol:
      let crop = TrackedCrop(size, extent: extent, flipProbability: 0.5)
      return BYOL(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: 128,
        projectionHiddenSize: 1_024, movingAverageDecay: decay,
        augmentation: Compose([crop] + colors), seed: options.seed)
    case .pixContrast, .pixPro:
      return PixelCL(
        net, imageSize: size, hiddenLayerPixel: Self.layer, hiddenLayer: "avgpool",
        projectionSize: 128, projectionHiddenSize: 1_024, movingAverageDecay: decay,
        alpha: options.alpha, usesPixPro: self == .pixPro, cropExtent: extent, flipProbability: 0.5,
        augmentation: Compose(colors), seed: options.seed)
    }
  }
}
