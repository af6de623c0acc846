import SelfSupervised
import Tensor

/// What suits one kind of images: how views are drawn and how long to train.
package struct Recipe: Sendable {
  package let epochs: Int
  /// How many steps a training has at least, with more epochs than these of fewer images.
  package var fewestSteps = 0
  package let batchSize: Int
  /// The height and width of views; nil for that of the images.
  package var viewSize: Int?
  /// The labeled images whose neighbours are looked up.
  package let bankSize: Int
  package let optimizer: OptimizerChoice
  /// Barlow Twins' part of the optimizer's rate: its loss is a sum over features, most of it noise
  /// where batches are small.
  package let barlowTwinsShare: Float
  /// VICReg's: where the rate rises within few steps, its loss becomes infinite at the whole of it.
  package var vicRegShare: Float = 1
  /// The share of the steps in which the step size rises to its highest.
  package let warmUp: Float
  package let projectionSize: Int
  package let projectionHiddenSize: Int
  /// Whether BYOL's projections are normalised.
  package let normalizesProjections: Bool
  package let movingAverageStart: Float
  /// The share of the image's area that a view shows.
  package var crop: ClosedRange<Float>
  /// How a view is recolored once it is cut out.
  package var colors: ViewColors

  /// Cut out, turned to either side and recoloured.
  package func augmentation(_ size: Size2D) -> Compose {
    Compose(
      [RandomResizedCrop(size, scale: crop), HorizontalFlip().applied(probability: 0.5)]
        + colors.augmentations)
  }

  /// The same for images of so many channels: saturation, hue and gray are of red, green and blue.
  package func suiting(channels: Int) -> Recipe {
    guard channels != 3 else { return self }
    var recipe = self
    (recipe.colors.saturation, recipe.colors.hue, recipe.colors.grayProbability) = (0, 0, 0)
    return recipe
  }

  /// Grey images of centred things: crops and changes of brightness.
  package static let fashionMNIST = Recipe(
    epochs: 3, batchSize: 128, bankSize: 10_000,
    optimizer: OptimizerChoice(kind: .sgd, learningRate: 0.3, weightDecay: 5e-4),
    barlowTwinsShare: 1, warmUp: 0.3,
    projectionSize: 128, projectionHiddenSize: 1_024, normalizesProjections: true,
    movingAverageStart: 0.95, crop: 0.3...1,
    colors: ViewColors(brightness: 0.6, contrast: 0.6, jitterProbability: 0.8))

  /// Small photographs: SimCLR's views for CIFAR-10.
  package static let color = photographs(viewSize: nil)

  /// Pictures of any size and number: the same, with views of one size.
  package static let pictures = photographs(viewSize: pictureViewSize, fewestSteps: 2_000)

  /// The height and width of views of pictures.
  package static let pictureViewSize = 64

  private static func photographs(viewSize: Int?, fewestSteps: Int = 0) -> Recipe {
    Recipe(
      epochs: 4, fewestSteps: fewestSteps, batchSize: 128, viewSize: viewSize, bankSize: 10_000,
      optimizer: OptimizerChoice(kind: .sgd, learningRate: 0.3, weightDecay: 5e-4),
      barlowTwinsShare: 0.1, vicRegShare: 0.2, warmUp: 0.05,
      projectionSize: 128, projectionHiddenSize: 1_024, normalizesProjections: false,
      movingAverageStart: 0.95, crop: 0.2...1,
      colors: ViewColors(
        brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, jitterProbability: 0.8,
        grayProbability: 0.2))
  }

  /// Coloured shapes anywhere in the image: crops, every hue, and half of the views grey, for how
  /// two colours differ outlasts a change of hue. Many small steps teach BYOL more in three minutes
  /// than few large ones. What it loses at first, when projections become alike, it seldom learns
  /// later: hence the long warm-up, the normalised projections and a decay of only 1e-6, its
  /// paper's.
  package static let shapes = Recipe(
    epochs: 4, batchSize: 32, viewSize: 24, bankSize: 2_000,
    optimizer: OptimizerChoice(kind: .sgd, learningRate: 0.1, weightDecay: 1e-6),
    barlowTwinsShare: 0.003, warmUp: 0.3,
    projectionSize: 256, projectionHiddenSize: 2_048, normalizesProjections: true,
    movingAverageStart: 0.95, crop: 0.6...1,
    colors: ViewColors(
      brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.5, grayProbability: 0.5))
}
