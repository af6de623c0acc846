import SelfSupervised

/// How strongly views are recolored.
package struct ViewColors: Sendable, Hashable {
  package var brightness: Float = 0
  package var contrast: Float = 0
  package var saturation: Float = 0
  package var hue: Float = 0
  /// The share of views whose colors change; nil for all of them.
  package var jitterProbability: Float?
  /// The share of views that lose their colors.
  package var grayProbability: Float = 0

  /// What is done to a view.
  package var augmentations: [any Augmentation] {
    let jitter = ColorJitter(
      brightness: brightness, contrast: contrast, saturation: saturation, hue: hue)
    let changes: any Augmentation = jitterProbability.map(jitter.applied) ?? jitter
    return grayProbability > 0
      ? [changes, Grayscale().applied(probability: grayProbability)] : [changes]
  }

  /// The same with all changes and shares multiplied by a strength, as far as they go.
  package func scaled(by strength: Float) -> ViewColors {
    ViewColors(
      brightness: strength * brightness, contrast: strength * contrast,
      saturation: strength * saturation, hue: min(0.5, strength * hue),
      jitterProbability: jitterProbability, grayProbability: min(1, strength * grayProbability))
  }
}
