import Arguments
import Foundation
import SelfSupervised

/// What a command line asks for.
struct Options {
  enum Length {
    case epochs(Int)
    case steps(Int)
  }

  let data: String
  let method: Method
  let net: String
  let width: Int
  let size: Int?
  let images: Int?
  let length: Length?
  let batch: Int?
  let optimizer: OptimizerKind?
  let learningRate: Float?
  let convolution: ConvolutionAlgorithm
  let precision: MatmulPrecision
  let isHard: Bool
  let seed: UInt64
  let output: String
  /// After how many epochs each the labels judge, besides at the end.
  let judgeEvery: Int?
  /// How many of the networks that were judged are kept.
  let keepBest: Int?
  /// Where a picture of views goes, if one is wanted.
  let views: String?
  /// Where the run was when it ended, if it goes on from there.
  let checkpoint: RunCheckpoint?
  /// The command line, with the whole path of the data: a run may go on from another directory.
  let words: [String]

  /// Reads the command line and sets the threads; nil when only help is asked for.
  init?(_ words: [String]) throws {
    let arguments = try Arguments(words, flags: Self.flags)
    if arguments.has("--help") { return nil }
    guard let directory = arguments.string("--resume") else {
      try self.init(arguments, words: words, checkpoint: nil)
      return
    }
    guard arguments.hasOnly("--resume", "--threads") else {
      throw UsageError(
        "--resume goes on with the flags the run began with; only --threads can stand beside it")
    }
    let checkpoint = try RunCheckpoint(directory: directory)
    let threads = arguments.string("--threads").map { ["--threads", $0] } ?? []
    let former = try Arguments(
      checkpoint.words + ["--out", directory] + threads, flags: Self.flags)
    try self.init(former, words: checkpoint.words, checkpoint: checkpoint)
  }

  private init(_ arguments: Arguments, words: [String], checkpoint: RunCheckpoint?) throws {
    self.checkpoint = checkpoint
    data = arguments.string("--data") ?? ""
    let isName = [ImageSets.shapesName, ImageSets.fashionName].contains(data)
    let isRelative = !isName && !data.hasPrefix("/")
    self.words = words + (isRelative ? ["--data", URL(fileURLWithPath: data).path] : [])
    method = try arguments.choice("--method")
    net = try arguments.choice("--net", of: Self.nets)
    width = try arguments.integer("--width", in: 1...1_024)
    size = try arguments.optionalInteger("--size", in: 8...1_024)
    images = try arguments.optionalInteger("--images", in: 2...100_000_000)
    batch = try arguments.optionalInteger("--batch", in: 2...65_536)
    optimizer = arguments.has("--optimizer") ? try arguments.choice("--optimizer") : nil
    learningRate = try arguments.optionalPositive("--learning-rate")
    convolution = try arguments.choice("--convolution")
    precision = try arguments.choice("--precision")
    isHard = arguments.has("--hard")
    if isHard, data != ImageSets.shapesName {
      throw UsageError("--hard needs --data shapes; the data are \(data)")
    }
    seed = UInt64(try arguments.integer("--seed", in: 0...Int.max))
    length = try Self.length(arguments)
    output =
      arguments.string("--out")
      ?? "runs/\((data as NSString).lastPathComponent)-\(method.rawValue)-\(Self.timeStamp())"
    judgeEvery = try arguments.optionalInteger("--judge-every", in: 1...1_000_000)
    keepBest = try arguments.optionalInteger("--keep-best", in: 1...1_000)
    if keepBest != nil, judgeEvery == nil {
      throw UsageError("--keep-best needs --judge-every, which says when networks are compared")
    }
    views = checkpoint == nil ? arguments.string("--views") : nil
    if let views, !views.hasSuffix(".png"), !views.hasSuffix(".ppm") {
      throw UsageError("--views needs a name that ends with .png or .ppm; got \"\(views)\"")
    }
    if let threads = try arguments.optionalInteger("--threads", in: 1...1_024) {
      Threads.count = threads
    }
  }

  private static func length(_ arguments: Arguments) throws -> Length? {
    let epochs = try arguments.optionalInteger("--epochs", in: 1...1_000_000)
    let steps = try arguments.optionalInteger("--steps", in: 1...1_000_000_000)
    if epochs != nil, steps != nil {
      throw UsageError("--epochs and --steps both say how long to train; give one of them")
    }
    return epochs.map { .epochs($0) } ?? steps.map { .steps($0) }
  }

  private static func timeStamp() -> String {
    let formatter = DateFormatter()
    formatter.dateFormat = "yyyyMMdd-HHmmss"
    return formatter.string(from: Date())
  }
}

extension Options {
  static var help: String {
    """
    usage: pretrain [flags]

    Trains a residual network on images without their labels and writes metrics.jsonl,
    backbone.safetensors and, every five minutes and at the end, checkpoint.safetensors. Labels, where
    there are any, only judge the result: by the vote of the nearest neighbours, beside that of raw
    pixels and of the untrained network. Ctrl-C ends a run early and saves what there is.

    \(flags.help)

    Exit codes: 64 a wrong command line, 66 missing or damaged data, 74 a file that cannot be written.
    """
  }

  private static let nets = ["resnet10", "resnet18", "resnet34", "resnet50", "resnet101"]

  static let flags = [
    Flag(
      "--data", "NAME",
      "fashion-mnist, shapes, or a directory with pictures (JPEG, PNG, WebP) or with the files of MNIST, "
        + "CIFAR-10 or STL-10",
      standard: ImageSets.fashionName),
    Flag(
      "--method", "NAME", Method.allCases.map(\.rawValue).joined(separator: ", "), standard: "byol"),
    Flag("--net", "NAME", nets.joined(separator: ", "), standard: "resnet10"),
    Flag("--width", "N", "channels of the network's first level", standard: "16"),
    Flag("--size", "PIXELS", "height and width of the views; what suits the data if not given"),
    Flag("--images", "N", "train on the first N images only"),
    Flag("--epochs", "N", "times to go through the images"),
    Flag("--steps", "N", "steps to train, instead of --epochs"),
    Flag("--batch", "N", "images in a step; what suits the data if not given"),
    Flag("--optimizer", "NAME", "sgd, adam or adamw; what suits the data if not given"),
    Flag(
      "--learning-rate", "RATE",
      "highest step size; if not given, what suits the data, or 1e-3 for adam and adamw, 0.1 for sgd"
    ),
    Flag(
      "--convolution", "NAME", "automatic (the fastest way for each) or direct (no Winograd)",
      standard: "automatic"),
    Flag(
      "--precision", "NAME",
      "float32, or bfloat16, which lets products round their factors where the processor multiplies those",
      standard: "float32"),
    Flag(
      "--judge-every", "N", "judge by the labels after every N epochs too, not only at the end"),
    Flag(
      "--keep-best", "N",
      "with --judge-every: keep the N networks judged best on the way, as "
        + "best-epoch-3-knn-0.8310.safetensors"),
    Flag("--hard", "more nuisance in the shapes"),
    Flag("--seed", "N", "what all randomness comes from", standard: "0"),
    Flag("--threads", "N", "threads to use; all cores if not given"),
    Flag("--out", "DIR", "where files are written; a new directory below runs/ if not given"),
    Flag(
      "--views", "FILE", "draw eight images and two views of each, as .png or .ppm, and then train"),
    Flag(
      "--resume", "DIR",
      "go on with the run that wrote to DIR, from its checkpoint and with its flags"),
    Flag("--help", "this text"),
  ]
}
