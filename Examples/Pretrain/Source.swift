import Arguments
import Datasets
import SelfSupervised
import Training

/// The images a run trains on and those that judge it.
struct Source {
  let training: any ImageDataset
  /// What evaluates the result by labels; nil if there are none.
  let judge: KNNEvaluator?
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
  /// The images of all batches of a step.
  let imagesPerStep: Int
  /// The size at which the network sees whole images: when it is evaluated, and afterwards.
  let imageSize: Size2D
  /// The size of the views that it is trained on.
  let viewSize: Size2D
  /// What both are multiples of.
  let sizeMultiple: SizeMultiple
  /// How many batches the training has.
  var steps: Int
  /// Not whole where a step of several batches may end one pass over the images and begin the next.
  private let stepsPerEpoch: Double

  /// Images that measures without labels look at.
  private let lookedAt: any ImageDataset

  /// Of fewer images measures without labels say nothing.
  private static let fewestToLookAt = 20

  /// - Parameters:
  ///   - options: The command line.
  ///   - network: What is known of the network before the images are.
  /// - Throws: `UsageError` if the two do not go together, `FileError` if the images cannot be read.
  init(_ options: Options, _ network: NetworkChoice) throws {
    let sets = try Self.sets(options)
    let training = sets.training.first(min(sets.training.count, options.images ?? .max))
    let shape = training.imageShape
    var asked = Recipe(options.method, for: sets.kind)
      .with(options, usual: network.optimizer)
    // Small pictures are not enlarged.
    asked.imageSize = asked.imageSize.map { min($0, shape[0]) }
    try Self.check(options, training, asked)
    batchSize = options.batch ?? min(asked.batchSize, max(2, training.count / 2))
    let side = options.size ?? asked.imageSize
    let whole = Size2D(height: side ?? shape[0], width: side ?? shape[1])
    sizeMultiple = network.sizeMultiple(for: whole)
    imageSize = try sizeMultiple.size("--size", options.size, else: whole)
    viewSize = try sizeMultiple.size(
      "--view-size", options.viewSize, else: asked.viewSize(of: imageSize))
    if asked.localViewCount > 0, sizeMultiple.pixels > 1 {
      let half = Size2D(min(viewSize.height, viewSize.width) / 2)
      asked.localViewSize =
        try sizeMultiple.size("--local-size", options.localSize, else: half).height
    }
    (recipe, fingerprint) = (asked.suiting(channels: shape[2]), sets.fingerprint)
    imagesPerStep = batchSize * options.accumulatedBatches
    guard training.count >= 2 else {
      throw FileError(
        path: options.data, reason: "a training needs 2 images or more; there is \(training.count)")
    }
    guard training.count >= batchSize else {
      throw UsageError(
        "--batch \(batchSize) needs at least as many images; there are \(training.count)")
    }
    if let local = options.localSize, local > min(viewSize.height, viewSize.width) {
      throw UsageError(
        "--local-size needs at most the size of the other views, which is \(viewSize); got \(local)"
      )
    }
    let processes = ProcessGroup.world.size
    guard batchSize >= processes else {
      throw UsageError(
        "--batch \(batchSize) needs an image for each process; there are \(processes) processes")
    }
    self.training = training
    let perEpoch = Double(training.count / batchSize) / Double(options.accumulatedBatches)
    steps =
      switch options.length {
      case .steps(let steps): steps
      case .epochs(let epochs): Recipe.steps(ofEpochs: epochs, stepsPerEpoch: perEpoch)
      case nil:
        options.former?.note.steps ?? recipe.stepCount(stepsPerEpoch: perEpoch)
      }
    stepsPerEpoch = perEpoch
    let labeled = sets.judged(bankSize: recipe.bankSize)
    let size = imageSize
    self.labeled = labeled
    judge = labeled.map { KNNEvaluator(bank: $0.bank, queries: $0.queries, size: size) }
    lookedAt = sets.heldOut ?? training
    judges = sets.judges(bankSize: recipe.bankSize)
    shown = sets.labeled?.queries ?? training
  }

  private static func sets(_ options: Options) throws -> ImageSets {
    do {
      return try ImageSets(options)
    } catch let error as FileError
      where options.former != nil && options.dataPaths.contains(error.path)
    {
      throw FileError(
        path: error.path,
        reason: error.reason + "; --data beside --resume says where the pictures are now",
        kind: error.kind)
    }
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

  /// The steps of so many passes over the images, at least one.
  func steps(epochs: Int) -> Int {
    Recipe.steps(ofEpochs: epochs, stepsPerEpoch: stepsPerEpoch)
  }

  /// What evaluates the features without labels; nil if there are too few images to look at.
  var labelFree: LabelFreeEvaluator? {
    guard lookedAt.count >= Self.fewestToLookAt else { return nil }
    let count = max(200, RunEvaluation.affordableImages(of: self))
    return LabelFreeEvaluator(lookedAt, size: imageSize, count: count)
  }

  /// How many labeled images evaluate.
  var queryCount: Int { labeled?.queries.count ?? 0 }

  /// The share of an image's pixels that a view has.
  var viewShare: Float {
    Float(viewSize.height * viewSize.width) / Float(imageSize.height * imageSize.width)
  }

  /// How large views and images are, in words.
  var sizes: String {
    "views of \(viewSize)" + (viewSize == imageSize ? "" : " for images of \(imageSize)")
  }

  /// How many images a second a training of `net` takes, by some seconds of it.
  func imagesPerSecond(
    _ net: any Module, _ layer: HiddenLayer, _ teacher: Teacher?, _ options: Options,
    seconds: Double
  ) throws -> Double {
    try recipe.imagesPerSecond(
      net, imageSize: viewSize, hiddenLayer: layer, loader: loader(seed: options.seed),
      accumulatedBatches: options.accumulatedBatches, teacher: teacher, for: .seconds(seconds))
  }

  /// Gives the training as many steps as so many minutes have room for, beside evaluations and files.
  mutating func fit(
    minutes: Double, _ net: any Module, _ layer: HiddenLayer, _ teacher: Teacher?,
    _ options: Options
  ) throws {
    let rate = try imagesPerSecond(net, layer, teacher, options, seconds: min(10, 6 * minutes))
    steps = max(1, Int(0.95 * 60 * minutes * rate / Double(imagesPerStep)))
  }

  /// Whole batches in a random order.
  func loader(seed: UInt64) -> DataLoader {
    DataLoader(training, batchSize: batchSize, shuffled: true, dropsLast: true, seed: seed)
  }
}

extension Recipe {
  /// The recipe with the views and numbers that a command line asks for, and an optimizer if it is
  /// another one than the recipe's, or than what suits the network.
  fileprivate func with(_ options: Options, usual: OptimizerChoice?) -> Recipe {
    var recipe = self
    if let usual, options.optimizer == nil || options.optimizer == usual.kind {
      recipe.optimizer = usual
    } else if let kind = options.optimizer, kind != recipe.optimizer.kind {
      recipe.optimizer = kind.usual
    }
    if let rate = options.learningRate { recipe.optimizer.learningRate = rate }
    for (setting, value) in options.settings { setting.apply(value, to: &recipe) }
    if let share = options.leastCrop { recipe.crop = share...1 }
    if let count = options.localViews { recipe.localViewCount = count }
    recipe.localViewSize = options.localSize ?? recipe.localViewSize
    if let strength = options.colorStrength { recipe.colors = recipe.colors.scaled(by: strength) }
    return recipe
  }
}
