import Arguments
import Datasets
import SelfSupervised
import Training

/// The images a run trains on and those that judge it.
struct Source {
  let training: any ImageDataset
  /// What evaluates the result by labels; nil if there are none.
  let judge: KNNEvaluator?
  /// What evaluates the features without labels; nil if there are too few images to look at.
  let labelFree: LabelFreeEvaluator?
  /// Labeled images whose neighbors are looked up, and those that are classified.
  let labeled: (bank: any ImageDataset, queries: any ImageDataset)?
  /// Who judges, in words.
  let judges: String
  let recipe: Recipe
  /// Images that the report shows: labeled ones that are not trained on, if there are any.
  let shown: any ImageDataset
  /// What tells these images from others.
  let fingerprint: String
  let batchSize: Int
  let viewSize: Size2D
  /// How many batches the training has.
  let steps: Int
  let stepsPerEpoch: Int

  /// Of fewer images measures without labels say nothing.
  private static let fewestToLookAt = 20

  init(_ options: Options) throws {
    let sets = try ImageSets(options)
    let training = sets.training.first(min(sets.training.count, options.images ?? .max))
    let asked = sets.recipe.with(options)
    (recipe, fingerprint) = (asked.suiting(channels: training.imageShape[2]), sets.fingerprint)
    try Self.check(options, training, asked)
    batchSize = options.batch ?? min(recipe.batchSize, max(2, training.count / 2))
    let shape = training.imageShape
    let side = options.size ?? recipe.viewSize
    viewSize = Size2D(height: side ?? shape[0], width: side ?? shape[1])
    guard training.count >= batchSize else {
      throw UsageError(
        options.batch == nil
          ? "a training needs 2 images or more; there is \(training.count)"
          : "--batch \(batchSize) needs at least as many images; there are \(training.count)")
    }
    let processes = ProcessGroup.world.size
    guard batchSize >= processes else {
      throw UsageError(
        "--batch \(batchSize) needs an image for each process; there are \(processes) processes")
    }
    self.training = training
    let batchesPerEpoch = training.count / batchSize
    stepsPerEpoch = max(1, batchesPerEpoch / options.accumulatedBatches)
    steps =
      switch options.length {
      case .steps(let steps): steps
      case .epochs(let epochs): epochs * stepsPerEpoch
      case nil: max(recipe.epochs * stepsPerEpoch, recipe.fewestSteps)
      }
    let labeled = sets.judged
    let size = viewSize
    self.labeled = labeled
    judge = labeled.map { KNNEvaluator(bank: $0.bank, queries: $0.queries, size: size) }
    let lookedAt = sets.heldOut ?? training
    let affordable = max(200, RunEvaluation.affordablePasses(options, self.steps, batchSize))
    labelFree =
      lookedAt.count < Self.fewestToLookAt
      ? nil : LabelFreeEvaluator(lookedAt, size: viewSize, count: affordable)
    judges = sets.judges
    shown = sets.labeled?.queries ?? training
  }

  /// Whether the images have the channels that are shown; and what views of them leave out.
  private static func check(
    _ options: Options, _ images: any ImageDataset, _ asked: Recipe
  ) throws {
    let channels = images.imageShape[2]
    if let shown = options.shownChannels, let last = shown.max(), last >= channels {
      throw UsageError(
        "--show-channels needs channels of the images, 0 to \(channels - 1); got \(last)")
    }
    guard asked.colors != asked.suiting(channels: channels).colors else { return }
    say(
      "views differ in brightness and contrast; saturation, hue and gray views need 3 channels, and "
        + "the images have \(channels)")
  }

  /// Whole batches in a random order.
  func loader(seed: UInt64) -> DataLoader {
    DataLoader(training, batchSize: batchSize, shuffled: true, dropsLast: true, seed: seed)
  }
}

extension Recipe {
  /// The recipe with the views that a command line asks for.
  fileprivate func with(_ options: Options) -> Recipe {
    var recipe = self
    if let share = options.leastCrop { recipe.crop = share...1 }
    if let strength = options.colorStrength { recipe.colors = colors.scaled(by: strength) }
    return recipe
  }
}
