import Arguments
import Files
import Foundation
import SelfSupervised
import Training

/// What a command line asks for.
struct Options {
  enum Length {
    case epochs(Int)
    case steps(Int)
  }

  /// What `--data` names, once or more often.
  var dataPaths: [String]
  /// A file with the classes of some pictures of `data`; nil if these are those of its directories.
  let labels: String?
  let method: MethodName
  /// Each nil if it follows from the weights, the data or the size of the views.
  let net: ResNet.Depth?
  let width: Int?
  let stem: ResNet.Stem?
  /// A file of weights that the network begins with; random ones if it is nil.
  let weights: String?
  /// A file of weights of the network that a distillation learns from, and how it sees pictures.
  let teacher: String?
  let teacherSize: Int?
  /// How many small views there are beside the two, and their height and width.
  let localViews: Int?
  let localSize: Int?
  /// The height and width of images as the network sees them.
  var size: Int?
  /// Those of views.
  let viewSize: Int?
  let images: Int?
  let length: Length?
  let batch: Int?
  let optimizer: OptimizerKind?
  let learningRate: Float?
  let convolution: ConvolutionAlgorithm
  let precision: MatmulPrecision
  /// The least share of an image that a view shows.
  let leastCrop: Float?
  /// How strongly views are recolored, where 1 is what suits the data.
  let colorStrength: Float?
  /// Numbers of the recipe that are other ones.
  let settings: [(setting: RecipeSetting, value: Float)]
  let isHard: Bool
  let seed: UInt64
  /// Where files are written; a new directory if it is nil.
  let output: String?
  /// Whether a run that is in `output` may be replaced.
  let overwrites: Bool
  /// How picture files become images.
  let pictures: PictureOptions
  /// How many bits are kept of a value; what the files have if it is nil.
  let depth: PictureOptions.Depth?
  /// The one or three channels that pictures of many show; the first ones if it is nil.
  let shownChannels: [Int]?
  /// What shows through transparent pixels, in a word.
  let background: String
  /// Where decoded pictures are kept; nil if nowhere.
  let cache: String?
  let accumulatedBatches: Int
  let gradientClip: Float?
  /// The longest time that the training may take.
  let minutes: Float?
  let skipsNonFinite: Bool
  /// After how many steps each a checkpoint is written, instead of every five minutes.
  let checkpointSteps: Int?
  /// After how many epochs each the labels evaluate, besides at the end.
  let evaluateEvery: Int?
  /// How many of the networks that were evaluated are kept.
  let keepBest: Int?
  /// After how many evaluations without a rise the run ends.
  let patience: Int?
  /// Whether files for TensorBoard are written.
  let writesTensorBoard: Bool
  /// Whether the run writes a report.
  let writesReport: Bool
  /// Where a picture of views goes, if one is wanted.
  let views: String?
  /// Where the run was when it ended, if it goes on from there.
  let former: (checkpoint: Checkpoint, note: RunNote)?
  /// A step that is run again, and nothing else.
  let replay: Replay?
  /// The command line, with the whole path of the data: a run may go on from another directory.
  let words: [String]

  /// Reads the command line and sets the threads; nil when only help is asked for.
  init?(_ words: [String]) throws {
    let arguments = try Arguments(words.map(Self.renamed), flags: Self.flags)
    if arguments.has("--help") { return nil }
    if let path = try arguments.path("--replay") {
      guard arguments.hasOnly(["--replay", "--threads"]) else {
        throw UsageError(
          "--replay takes its flags from the file; only --threads can stand beside it")
      }
      try self.init(replaying: path, arguments)
    } else if let directory = try arguments.path("--resume") {
      try self.init(resuming: directory, arguments)
    } else {
      try self.init(arguments, words: words)
    }
  }

  private init(resuming directory: String, _ arguments: Arguments) throws {
    guard arguments.hasOnly(["--resume", "--threads"] + Self.changeable) else {
      throw UsageError(
        "--resume goes on with the flags the run began with; only --threads, "
          + Self.changeable.joined(separator: ", ") + " can stand beside it")
    }
    let path = CheckpointPolicy.path(in: directory)
    let checkpoint: Checkpoint
    do {
      checkpoint = try Checkpoint(contentsOf: path)
    } catch {
      throw CheckpointError(description: "\(error)")
    }
    let note = try RunNote(checkpoint, path: path)
    let changed = Self.changeable.filter(arguments.has)
    let lengths = ["--epochs", "--steps"]
    let dropped = changed + (changed.contains(where: lengths.contains) ? lengths : [])
    let kept =
      note.words.without(dropped + ["--out"])
      + changed.flatMap { [$0, arguments.string($0) ?? ""] }
    let former = try Arguments(
      (kept + ["--out", directory] + Self.threads(arguments)).map(Self.renamed), flags: Self.flags)
    try self.init(former, words: kept, former: (checkpoint, note))
  }

  private init(replaying path: String, _ arguments: Arguments) throws {
    let replay: Replay
    do {
      replay = try Replay(contentsOf: path)
    } catch {
      throw CheckpointError(description: "\(error)")
    }
    let note = try RunNote(replay.checkpoint, path: path)
    let directory = NSTemporaryDirectory() + "replay-\(ProcessInfo.processInfo.processIdentifier)"
    // Beside the run that the file is of; the run's own word for it comes later and counts.
    let cache = ["--cache", path.directoryOfPath.directoryOfPath]
    let former = try Arguments(
      (cache + note.words + ["--out", directory] + Self.threads(arguments)).map(Self.renamed),
      flags: Self.flags)
    try self.init(former, words: note.words, replay: replay)
  }

  /// The flags that a run may go on with otherwise than it began.
  private static let changeable = [
    "--epochs", "--steps", "--minutes", "--learning-rate", "--clip", "--nonfinite",
  ]

  private static func threads(_ arguments: Arguments) -> [String] {
    arguments.string("--threads").map { ["--threads", $0] } ?? []
  }

  /// What flags of earlier versions are called.
  private static func renamed(_ word: String) -> String {
    word.replacingOccurrences(of: "--judge-every", with: "--evaluate-every")
  }

  private init(
    _ arguments: Arguments, words: [String],
    former: (checkpoint: Checkpoint, note: RunNote)? = nil, replay: Replay? = nil
  ) throws {
    self.former = former
    self.replay = replay
    dataPaths = try Self.dataPaths(arguments, ofFormerRun: former != nil || replay != nil)
    let data = dataPaths.joined(separator: ", ")
    labels = try arguments.path("--labels")
    weights = try arguments.path("--weights")
    teacher = try arguments.path("--teacher")
    if labels != nil, dataPaths.count > 1 || ImageSets.isName(data) {
      throw UsageError(
        "--labels needs --data with a directory of pictures, one alone; the data are \(data)")
    }
    let hasRelative = dataPaths.contains { !ImageSets.isName($0) && !$0.hasPrefix("/") }
    let whole = dataPaths.flatMap {
      ["--data", ImageSets.isName($0) ? $0 : URL(fileURLWithPath: $0).path]
    }
    self.words =
      (hasRelative ? words.without(["--data"]) + whole : words)
      + (labels.map { ["--labels", URL(fileURLWithPath: $0).path] } ?? [])
      + (weights.map { ["--weights", URL(fileURLWithPath: $0).path] } ?? [])
      + (teacher.map { ["--teacher", URL(fileURLWithPath: $0).path] } ?? [])
    method = try arguments.choice("--method")
    teacherSize = try arguments.optionalInteger("--teacher-size", in: 8...1_024)
    localViews = try arguments.optionalInteger("--local-views", in: 1...64)
    localSize = try arguments.optionalInteger("--local-size", in: 8...1_024)
    try Self.check(method, teacher, arguments)
    net = arguments.has("--net") ? try arguments.choice("--net") : nil
    width = try arguments.optionalInteger("--width", in: 1...1_024)
    stem =
      arguments.has("--stem")
      ? ResNet.Stem(text: try arguments.choice("--stem", of: ["small", "imagenet"])) : nil
    size = try arguments.optionalInteger("--size", in: 8...1_024)
    viewSize = try arguments.optionalInteger("--view-size", in: 8...1_024)
    images = try arguments.optionalInteger("--images", in: 2...100_000_000)
    batch = try arguments.optionalInteger("--batch", in: 2...65_536)
    optimizer = arguments.has("--optimizer") ? try arguments.choice("--optimizer") : nil
    learningRate = try arguments.optionalPositive("--learning-rate")
    convolution = try arguments.choice("--convolution")
    precision = try arguments.choice("--precision")
    leastCrop = try arguments.optionalNumber("--crop", in: 0.01...1)
    colorStrength = try arguments.optionalNumber("--color", in: 0...10)
    settings = try Self.settings(arguments)
    isHard = arguments.has("--hard")
    if isHard, data != ImageSets.shapesName {
      throw UsageError("--hard needs --data shapes; the data are \(data)")
    }
    seed = UInt64(try arguments.integer("--seed", in: 0...Int.max))
    length = try Self.length(arguments)
    output = try arguments.path("--out")
    overwrites = arguments.has("--overwrite")
    background = try arguments.choice("--background", of: ["white", "black", "stored"])
    depth =
      try arguments.has("--depth")
      ? arguments.choice("--depth", of: ["8", "16"]) == "16" ? .sixteen : .eight : nil
    pictures = PictureOptions(
      appliesOrientation: !arguments.has("--no-exif"),
      background: background == "white" ? .white : background == "black" ? .black : .stored,
      depth: depth ?? .eight, valueRange: try Self.range(arguments))
    shownChannels = try Self.shownChannels(arguments)
    let cache = try arguments.path("--cache")
    self.cache = cache == "none" ? nil : cache ?? (output ?? "runs/1").directoryOfPath
    accumulatedBatches = try arguments.integer("--accumulate", in: 1...65_536)
    gradientClip = try arguments.optionalPositive("--clip")
    minutes = try arguments.optionalPositive("--minutes")
    skipsNonFinite = try arguments.choice("--nonfinite", of: ["stop", "skip"]) == "skip"
    checkpointSteps = try arguments.optionalInteger("--checkpoint-every", in: 1...1_000_000_000)
    evaluateEvery = try arguments.optionalInteger("--evaluate-every", in: 1...1_000_000)
    keepBest = try arguments.optionalInteger("--keep-best", in: 1...1_000)
    patience = try arguments.optionalInteger("--patience", in: 1...1_000_000)
    if keepBest ?? patience != nil, evaluateEvery == nil {
      throw UsageError(
        "--keep-best and --patience need --evaluate-every, which says when networks are compared")
    }
    writesTensorBoard = arguments.has("--tensorboard")
    writesReport = !arguments.has("--no-report")
    views = former == nil && replay == nil ? try arguments.path("--views") : nil
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
}

extension Options {
  /// What the images are called in lines that a person reads.
  var data: String { dataPaths.joined(separator: ", ") }

  /// The same in the name of a directory.
  var dataName: String { dataPaths.map(\.nameInPath).joined(separator: "+") }

  /// What `--data` names.
  ///
  /// Earlier versions noted a relative path of a run and behind it the whole one, which counted.
  private static func dataPaths(
    _ arguments: Arguments, ofFormerRun isFormer: Bool
  ) throws -> [String] {
    let paths = try arguments.paths("--data")
    guard isFormer, paths.contains(where: { $0.hasPrefix("/") }) else { return paths }
    return paths.filter { ImageSets.isName($0) || $0.hasPrefix("/") }
  }

  /// Whether a method has what it needs, and nothing that it has no use for.
  private static func check(
    _ method: MethodName, _ teacher: String?, _ arguments: Arguments
  ) throws {
    if method == .distillation, teacher == nil {
      throw UsageError("--method distillation needs --teacher FILE, the network to learn from")
    }
    if method != .distillation,
      let flag = ["--teacher", "--teacher-size"].first(where: arguments.has)
    {
      throw UsageError("\(flag) needs --method distillation; the method is \(method.rawValue)")
    }
    if arguments.has("--local-views"), !method.takesLocalViews {
      let names = MethodName.allCases.filter(\.takesLocalViews).map(\.rawValue)
      throw UsageError(
        "--local-views needs a method that takes them, \(names.joined(separator: ", ")); the method is "
          + method.rawValue)
    }
    if arguments.has("--local-size"), !arguments.has("--local-views") {
      throw UsageError("--local-size needs --local-views, how many there are")
    }
  }

  private static func range(_ arguments: Arguments) throws -> ClosedRange<Float>? {
    guard let text = arguments.string("--range") else { return nil }
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) }
    guard numbers.count == 2, let low = numbers[0], let high = numbers[1],
      low < high, (high - low).isFinite
    else {
      throw UsageError(
        "--range needs the values that become 0 and 1, such as 0,4095; got \"\(text)\"")
    }
    return low...high
  }

  private static func settings(
    _ arguments: Arguments
  ) throws -> [(setting: RecipeSetting, value: Float)] {
    try arguments.strings("--set").map { word in
      let parts = word.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, let setting = RecipeSetting.all.first(where: { $0.name == parts[0] })
      else {
        let names = RecipeSetting.all.map(\.name).joined(separator: ", ")
        throw UsageError("--set needs NAME=NUMBER, with a name of \(names); got \"\(word)\"")
      }
      guard let value = Float(parts[1]), setting.range.contains(value),
        !setting.isWhole || value == value.rounded()
      else {
        let (low, high) = (setting.range.lowerBound, setting.range.upperBound)
        throw UsageError(
          "--set \(setting.name) needs a \(setting.isWhole ? "whole " : "")number in "
            + "\(low.formatted())...\(high.formatted()); got \"\(parts[1])\"")
      }
      return (setting, value)
    }
  }

  private static func shownChannels(_ arguments: Arguments) throws -> [Int]? {
    guard let text = arguments.string("--show-channels") else { return nil }
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let channels = numbers.compactMap { $0 }.filter { $0 >= 0 }
    guard channels.count == numbers.count, [1, 3].contains(channels.count) else {
      throw UsageError(
        "--show-channels needs one channel or three, counted from 0, such as 3,2,1; got \"\(text)\""
      )
    }
    return channels
  }

  /// Runs `body` with the algorithms that the command line names.
  func withCompute<Result>(_ body: () throws -> Result) rethrows -> Result {
    try withConvolutionAlgorithm(convolution) { try withMatmulPrecision(precision, body) }
  }

  static var help: String {
    """
    usage: pretrain [command] [flags]

    \(Command.allCases.map { "  " + $0.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0) + $0.help }.joined(separator: "\n"))

    Trains a residual network on images without their labels and writes metrics.jsonl,
    backbone.safetensors and, every five minutes and at the end, checkpoint.safetensors and report.html,
    which shows in a browser what happened and whether to train longer; the last lines say so too, by
    measures that need no labels. Labels, where there are any, only evaluate the result: by the vote of
    the nearest neighbors, beside that of raw pixels and of the untrained network. Ctrl-C ends a run
    early and saves what there is; SIGUSR1 asks for a checkpoint.

    \(flags.help)

    Exit codes: 64 a wrong command line, 66 missing or damaged data, 69 processes that cannot train
    together, 74 a file that cannot be written.
    """
  }

  static let flags = [
    Flag(
      "--data", "NAME",
      "fashion-mnist, shapes, or a directory with pictures (JPEG, PNG, WebP, TIFF, NumPy's .npy) or with "
        + "the files of MNIST, CIFAR-10 or STL-10; several times for several directories of pictures",
      standard: ImageSets.fashionName),
    Flag(
      "--labels", "FILE",
      "path,label lines for some of the pictures of --data: those evaluate, and all are trained on"),
    Flag(
      "--method", "NAME", MethodName.allCases.map(\.rawValue).joined(separator: ", "),
      standard: MethodName.simclr.rawValue),
    Flag(
      "--weights", "FILE",
      "begin with the weights of a file (.pth, .ckpt, .safetensors) of torchvision, timm, lightly, MoCo, "
        + "DINO, Lightning or this program; network, width and stem follow from it"),
    Flag(
      "--teacher", "FILE",
      "with --method distillation: the network to learn from, any file that --weights takes; its features "
        + "of all images are computed once and kept beside decoded pictures"),
    Flag(
      "--teacher-size", "PIXELS",
      "the height and width at which the teacher sees images; if not given, that of its views for this "
        + "program's networks and 224 for others"),
    Flag(
      "--local-views", "N",
      "small views of each image beside the two: "
        + MethodName.allCases.filter(\.takesLocalViews).map(\.rawValue).joined(separator: ", ")),
    Flag(
      "--local-size", "PIXELS",
      "their height and width; if not given, half of those of the views, 8 at least"),
    Flag(
      "--net", "NAME",
      ResNet.Depth.allCases.map(\.rawValue).joined(separator: ", ")
        + "; resnet10 if neither this nor --weights says"),
    Flag("--width", "N", "channels of the network's first level; 16 if not given"),
    Flag(
      "--stem", "NAME",
      "small (3x3, for images of about 32 pixels) or imagenet (7x7 and a max-pool); if not given, imagenet "
        + "for views of 96 pixels or more"),
    Flag(
      "--size", "PIXELS",
      "height and width of images as the network is to see them; what suits the data if not given"),
    Flag("--view-size", "PIXELS", "those of the views; a share of --size if not given"),
    Flag(
      "--crop", "SHARE",
      "the least share of an image that a view shows, 1 for all of it; what suits the data if not given"
    ),
    Flag(
      "--color", "STRENGTH",
      "how strongly views are recolored: 0 not at all, 1 as suits the data, 2 twice as strongly"),
    Flag("--images", "N", "train on the first N images only"),
    Flag(
      "--epochs", "N",
      "times to go through the images; what suits the data if neither this nor --steps nor --minutes says"
    ),
    Flag("--steps", "N", "steps to train, instead of --epochs"),
    Flag("--batch", "N", "images in a step; what suits the data and their number if not given"),
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
    Flag("--accumulate", "N", "batches whose gradients make one step", standard: "1"),
    Flag("--clip", "NORM", "scale gradients down to this norm where theirs is larger"),
    Flag(
      "--minutes", "M",
      "with neither --epochs nor --steps: as many steps as M minutes have room for, by the rate of a first few; with one of them: the end after M minutes, as by Ctrl-C"
    ),
    Flag(
      "--nonfinite", "NAME",
      "stop, and write what --replay needs, or skip a step whose loss or gradients are not finite",
      standard: "stop"),
    Flag("--checkpoint-every", "N", "write a checkpoint after every N steps, not every 5 minutes"),
    Flag(
      "--evaluate-every", "N",
      "evaluate after every N epochs, by labels too where there are any; one to eight times if not given"
    ),
    Flag(
      "--keep-best", "N",
      "with --evaluate-every: keep the N best networks, as best-epoch-3-knn-0.8310.safetensors; without "
        + "labels by view_neighbors"),
    Flag("--patience", "N", "with --evaluate-every: end after N evaluations without a rise"),
    Flag(
      "--set", "NAME=NUMBER",
      "another number of the recipe; several times for several: "
        + RecipeSetting.all.map(\.name).joined(separator: ", ")),
    Flag("--hard", "harder shapes: rotation, occlusion, noise"),
    Flag("--seed", "N", "what all randomness comes from", standard: "0"),
    Flag("--threads", "N", "threads to use; all cores if not given"),
    Flag("--out", "DIR", "where files are written; a new directory below runs/ if not given"),
    Flag("--overwrite", "replace the run that is in the directory of --out"),
    Flag(
      "--background", "NAME",
      "what shows through transparent pixels: white, black, or stored, the colors that files have there",
      standard: "white"),
    Flag(
      "--depth", "BITS",
      "8 or 16, which pictures keep of a value; if not given, 16 where a TIFF or .npy file has more than 8"
    ),
    Flag(
      "--range", "LOW,HIGH",
      "the values that become 0 and 1 in TIFF and .npy files, and in PNG files read at 16 bits; if not "
        + "given, 0,255 or 0,65535 by their type, and 0,1 for floats"),
    Flag(
      "--show-channels", "LIST",
      "the channel or three, counted from 0, that views and the report show of pictures; the first ones if "
        + "not given"),
    Flag("--no-exif", "take pictures as they are stored, not turned as cameras note it"),
    Flag(
      "--cache", "DIR",
      "where 1,000 decoded pictures or more are kept for the next run, or none; beside the run's directory"
    ),
    Flag(
      "--tensorboard",
      "also write numbers, views and features into the run's directory, for tensorboard --logdir"),
    Flag(
      "--views", "FILE", "draw eight images and two views of each, as .png or .ppm, and then train"),
    Flag("--no-report", "do not write report.html"),
    Flag(
      "--resume", "DIR",
      "go on with the run that wrote to DIR, with its flags; its length, rate and --clip may be other ones"
    ),
    Flag("--replay", "FILE", "run a step again that ended a run because something was not finite"),
    Flag("--help", "this text"),
  ]
}

extension [String] {
  /// A command line without some flags and their values.
  fileprivate func without(_ flags: [String]) -> [String] {
    var (kept, rest) = ([String](), self[...])
    while let word = rest.popFirst() {
      if flags.contains(word) {
        rest = rest.dropFirst()
      } else if !flags.contains(where: { word.hasPrefix($0 + "=") }) {
        kept.append(word)
      }
    }
    return kept
  }
}
