import SelfSupervised

/// How strongly views are recolored.
public struct ViewColors: Sendable, Hashable {
  /// The strength of changes of brightness: factors are drawn from 1 - this to 1 + this.
  public var brightness: Float = 0
  /// The strength of changes of contrast, alike.
  public var contrast: Float = 0
  /// The strength of changes of saturation, alike.
  public var saturation: Float = 0
  /// The strength of changes of hue: turns from -this to this of the color circle, at most 0.5.
  public var hue: Float = 0
  /// The share of views whose colors change; nil for all of them.
  public var jitterProbability: Float?
  /// The share of views that lose their colors.
  public var grayProbability: Float = 0
  /// The share of views that are blurred.
  public var blurProbability: Float = 0
  /// The share of views of which a square is painted over.
  public var cutoutProbability: Float = 0

  /// How strongly views are recolored; not at all unless something is given.
  public init(
    brightness: Float = 0, contrast: Float = 0, saturation: Float = 0, hue: Float = 0,
    jitterProbability: Float? = nil, grayProbability: Float = 0, blurProbability: Float = 0,
    cutoutProbability: Float = 0
  ) {
    (self.brightness, self.contrast) = (brightness, contrast)
    (self.saturation, self.hue) = (saturation, hue)
    (self.jitterProbability, self.grayProbability) = (jitterProbability, grayProbability)
    (self.blurProbability, self.cutoutProbability) = (blurProbability, cutoutProbability)
  }

  /// What is done to a view.
  public var augmentations: [any Augmentation] {
    let jitter = ColorJitter(
      brightness: brightness, contrast: contrast, saturation: saturation, hue: hue)
    let changes: any Augmentation = jitterProbability.map(jitter.applied) ?? jitter
    let others: [(step: any Augmentation, probability: Float)] = [
      (Grayscale(), grayProbability), (GaussianBlur(sigma: 0.1...1), blurProbability),
      (Cutout(side: 0.2...0.5), cutoutProbability),
    ]
    return [changes]
      + others.filter { $0.probability > 0 }.map { $0.step.applied(probability: $0.probability) }
  }

  /// The same with all changes and shares multiplied by a strength, as far as they go.
  public func scaled(by strength: Float) -> ViewColors {
    var colors = self
    colors.brightness *= strength
    colors.contrast *= strength
    colors.saturation *= strength
    colors.hue = min(0.5, strength * hue)
    colors.grayProbability = min(1, strength * grayProbability)
    return colors
  }
}
