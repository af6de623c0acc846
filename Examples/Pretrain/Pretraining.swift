import Arguments
import Datasets
import ExampleSupport
import Foundation
import SelfSupervised

/// One run: train, save, judge.
struct Pretraining {
  let options: Options
  let source: Source
  let files: RunFiles

  init(_ options: Options) throws {
    self.options = options
    source = try Source(options)
    if options.judgeEvery != nil, source.judge == nil {
      throw UsageError("--judge-every needs labels; there are none with \(options.data)")
    }
    let stepsToJudge = (options.judgeEvery ?? 1) * source.stepsPerEpoch
    if options.keepBest != nil, source.steps < stepsToJudge {
      throw UsageError(
        "--keep-best needs a training of at least \(stepsToJudge) steps, after which --judge-every first "
          + "judges; it has \(source.steps)")
    }
    try options.checkpoint?.check(steps: source.steps, imageCount: source.training.count)
    // Opened before the training, so that a folder without rights costs nobody an hour.
    files = try RunFiles(
      directory: options.output, goesOnAfter: options.checkpoint?.outcome.steps)
  }

  func run() throws {
    let shape = source.training.imageShape
    let size = source.viewSize
    let net = withRandomSeed(options.seed) { network(channels: shape[2]) }
    let steps = source.steps
    let learner = options.method.learner(
      net, size: size, recipe: source.recipe, steps: steps, seed: options.seed)
    describe(learner, size: size, steps: steps)
    if let checkpoint = options.checkpoint {
      say("goes on after step \(checkpoint.outcome.steps)")
    }
    if let path = options.views { try drawViews(learner, to: path) }
    let judge = source.judge
    let (raw, untrained) = (judge?.accuracyOfPixels(), judge?.accuracy(of: learner))

    let training = TrainingLoop(
      learner: learner, loader: loader, steps: steps,
      optimizer: optimizer.optimizer(of: learner),
      learningRate: schedule(steps),
      files: files, words: options.words,
      judging: judging(by: judge))
    let outcome = try training.run(from: options.checkpoint)

    try net.save(to: files.backbonePath)
    let summary = RunSummary(
      knn: judge?.accuracy(of: learner), rawPixels: raw, untrained: untrained, outcome: outcome)
    try files.log(summary.record)
    say(summary.report(files))
  }

  /// What the labels are asked for on the way, if they are.
  private func judging(by judge: Judge?) -> Judging? {
    guard let epochs = options.judgeEvery, let judge else { return nil }
    let best = options.keepBest.map { BestNetworks(directory: files.directory, count: $0) }
    return Judging(epochs: epochs, judge: judge, best: best)
  }

  /// Images and two views below each, without a change of what the training draws.
  private func drawViews(_ learner: any Learner, to path: String) throws {
    let images = source.training.images(in: 0..<min(8, source.training.count))
    let stream = learner.stream
    let views = learner.views(of: images)
    learner.stream = stream
    guard let pair = views as? ViewPair ?? (views as? PixelViews)?.images else { return }
    let columns = (0..<images.shape[0]).map { index in
      [images, pair.first, pair.second].map { Image($0[index]) }
    }
    try ImageGrid(columns: columns, magnification: 2).image.write(to: path)
    say("drew \(path)")
  }

  private var loader: DataLoader {
    DataLoader(
      source.training, batchSize: source.batchSize, shuffled: true, dropsLast: true,
      seed: options.seed)
  }

  private func network(channels: Int) -> ResNet {
    let width = options.width
    return switch options.net {
    case "resnet10": .resNet10(stem: .small, width: width, inputChannels: channels)
    case "resnet18": .resNet18(stem: .small, width: width, inputChannels: channels)
    case "resnet34": .resNet34(stem: .small, width: width, inputChannels: channels)
    case "resnet50": .resNet50(stem: .small, width: width, inputChannels: channels)
    default: .resNet101(stem: .small, width: width, inputChannels: channels)
    }
  }

  /// What the command line asks for, and what it leaves open as suits the data, or as is usual.
  private var optimizer: OptimizerChoice {
    let suited = options.method.optimizer(of: source.recipe)
    let kind = options.optimizer ?? suited.kind
    var choice = kind == suited.kind ? suited : kind.usual
    choice.learningRate = options.learningRate ?? choice.learningRate
    return choice
  }

  private func schedule(_ steps: Int) -> any Schedule {
    let rise = Int(source.recipe.warmUp * Float(steps))
    return CosineDecay(from: optimizer.learningRate, over: steps - rise).warmed(over: rise)
  }

  private func describe(_ learner: any Learner, size: Size2D, steps: Int) {
    let count = learner.net.parameterCount
    say(
      """
      \(options.method.rawValue) trains \(options.net) (width \(options.width), \(count) parameters) on \
      \(source.training.count) images of \(options.data)
      \(steps) steps of \(source.batchSize) images, views of \(size), \(optimizer.kind.rawValue) at \
      \(optimizer.learningRate), seed \(options.seed), \(Threads.count) threads
      \(source.judges)
      """)
  }
}
