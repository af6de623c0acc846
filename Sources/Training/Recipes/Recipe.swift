import SelfSupervised
import Tensor

/// How a network is trained on one kind of images by one method: how views are drawn, what stands
/// behind the network, how fast and for how long it learns.
///
/// ```swift
/// let recipe = Recipe(.simclr, for: .photographs)
/// let training = recipe.training(net, imageSize: 96, steps: 5_000, seed: 0)
/// ```
///
/// The numbers come from measured sweeps: <doc:RecipesThatWork> in `SelfSupervised` has them.
public struct Recipe: Sendable {
  /// What learns.
  public var method: MethodName
  /// How often a training goes through the images.
  public var epochs = 4
  /// How many steps a training has at least, with more epochs than these of fewer images.
  public var fewestSteps = 0
  /// The images of a step.
  public var batchSize = 128
  /// The height and width in pixels at which the network sees whole images, when it is evaluated and
  /// afterwards; nil for those of the images.
  public var imageSize: Int?
  /// The height and width of views as a share of those. A view shows a part, larger than the whole
  /// image shows it: smaller views bring things back to the size that they have in whole images, and
  /// a step of them takes half of the time (Touvron et al., 2019).
  public var viewShare: Float = 1
  /// The labeled images whose neighbors are looked up where the result is evaluated.
  public var bankSize = 10_000
  /// What moves the weights, and the highest step size.
  public var optimizer = OptimizerChoice(kind: .sgd, learningRate: 0.3, weightDecay: 5e-4)
  /// How many times faster than the rest a predictor learns.
  public var predictorRate: Float = 1
  /// The share of the steps in which the step size rises to its highest.
  public var warmUp: Float = 0.05
  /// The features of a projection.
  public var projectionSize = 128
  /// The hidden features of the heads.
  public var projectionHiddenSize = 1_024
  /// Whether BYOL's projections and the hidden layers of DINO's projector are normalized.
  public var normalizesProjections = true
  /// What similarities are divided by, where a method compares images with others.
  public var temperature: Float = 0.2
  /// Whether SimCLR leaves the positive pair out of what it is compared with (Yeh et al., 2022).
  public var isDecoupled = false
  /// The projections that a queue remembers.
  public var queueSize = 4_096
  /// The prototypes among which DINO sorts images.
  public var prototypeCount = 512
  /// What the outputs of DINO's target are divided by.
  public var targetTemperature: Float = 0.02
  /// The share of its old numbers that a target keeps in a step, which rises to 1.
  public var movingAverageDecay: Float = 0.95
  /// The share of the image's area that a view shows.
  public var crop: ClosedRange<Float> = 0.2...1
  /// How many local views there are beside the two, for methods that take them.
  public var localViewCount = 0
  /// The height and width of local views; nil for half of those of views, but at least 8.
  public var localViewSize: Int?
  /// The share of views that are turned to the other side.
  public var flipProbability: Float = 0.5
  /// How a view is recolored once it is cut out.
  public var colors = ViewColors()

  init(method: MethodName) { self.method = method }

  /// How many steps a training has, of so many in an epoch: a broken number where steps take several
  /// batches.
  public func stepCount(stepsPerEpoch: Double) -> Int {
    max(Self.steps(ofEpochs: epochs, stepsPerEpoch: stepsPerEpoch), fewestSteps)
  }

  /// The whole steps of so many epochs, at least one.
  package static func steps(ofEpochs epochs: Int, stepsPerEpoch: Double) -> Int {
    // A quotient may lie just below the whole number that it stands for.
    max(1, Int(Double(epochs) * stepsPerEpoch + 1e-6))
  }

  /// The size of views for a network that is to see images of a size.
  public func viewSize(of image: any Size2DConvertible) -> Size2D {
    let size = image.size2D
    func side(_ length: Int) -> Int { max(1, Int((viewShare * Float(length)).rounded())) }
    return Size2D(height: side(size.height), width: side(size.width))
  }

  /// The local views beside views of the given size; nil if there are none.
  func localViews(_ size: Size2D) -> LocalViews? {
    guard localViewCount > 0 else { return nil }
    let side = max(Self.smallestLocalView, min(size.height, size.width) / 2)
    return LocalViews(count: localViewCount, size: localViewSize ?? side)
  }

  private static let smallestLocalView = 8

  /// How views of the given size are drawn: cut out, turned to either side and recolored.
  public func augmentation(_ size: Size2D) -> Compose {
    Compose(
      [
        RandomResizedCrop(size, scale: crop),
        HorizontalFlip().applied(probability: flipProbability),
      ] + colors.augmentations)
  }

  /// The same for images of so many channels: saturation, hue and gray are of red, green and blue.
  public func suiting(channels: Int) -> Recipe {
    guard channels != 3 else { return self }
    var recipe = self
    (recipe.colors.saturation, recipe.colors.hue, recipe.colors.grayProbability) = (0, 0, 0)
    return recipe
  }
}
