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
  var labels: String?
  let method: MethodName
  /// Each nil if it follows from the weights, the data or the size of the views.
  let net: NetworkName?
  let width: Int?
  let stem: ResNet.Stem?
  /// The height and width of a vision transformer's patches.
  let patch: Int?
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
    let began = try Arguments(note.meantWords.map(Self.renamed), flags: Self.flags)
    // Minutes that the steps were made to fit have no meaning for those that are left.
    let fitted = lengths.contains(where: began.has) ? [] : ["--minutes"]
    let dropped = changed + (changed.contains(where: lengths.contains) ? lengths : []) + fitted
    let kept =
      note.meantWords.without(dropped + ["--out"])
      + changed.flatMap { name in arguments.strings(name).flatMap { [name, $0] } }
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
      (cache + note.meantWords + ["--out", directory] + Self.threads(arguments)).map(Self.renamed),
      flags: Self.flags)
    try self.init(former, words: note.meantWords, replay: replay)
  }

  /// Ten years: what is longer is a slip, and too long for the system's clocks.
  static let mostMinutes: Float = 10 * 365 * 24 * 60

  /// The flags that a run may go on with otherwise than it began.
  private static let changeable = [
    "--data", "--labels", "--epochs", "--steps", "--minutes", "--learning-rate", "--clip",
    "--nonfinite",
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
    let hasRelative = dataPaths.contains { !ImageSets.isName($0) && !$0.hasPrefix("/") }
    let whole = dataPaths.flatMap {
      ["--data", ImageSets.isName($0) ? $0 : URL(fileURLWithPath: $0).path]
    }
    var all = hasRelative ? words.without(["--data"]) + whole : words
    for (flag, path) in [("--labels", labels), ("--weights", weights), ("--teacher", teacher)] {
      if let path { all += [flag, URL(fileURLWithPath: path).path] }
    }
    if !arguments.has("--method") { all += ["--method", arguments.string("--method") ?? ""] }
    self.words = all
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
    patch = try arguments.optionalInteger("--patch", in: 1...256)
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
    settings = try Self.settings(arguments, of: method)
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
      fit: try arguments.choice("--fit"), depth: depth ?? .eight,
      valueRange: try Self.range(arguments))
    shownChannels = try Self.shownChannels(arguments)
    let cache = try arguments.path("--cache")
    self.cache = cache == "none" ? nil : cache ?? (output ?? "runs/1").directoryOfPath
    accumulatedBatches = try arguments.integer("--accumulate", in: 1...65_536)
    gradientClip = try arguments.optionalPositive("--clip")
    minutes = try arguments.optionalPositive("--minutes", atMost: Self.mostMinutes)
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
    try checkLabels()
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
  /// Throws if there is a file of labels that belongs to no directory.
  func checkLabels() throws {
    guard labels != nil, dataPaths.count > 1 || ImageSets.isName(data) else { return }
    throw UsageError(
      "--labels needs --data with a directory of pictures, one alone; the data are \(data)")
  }

  /// What the images are called in lines that a person reads.
  var data: String { dataPaths.joined(separator: ", ") }

  /// The same in the name of a directory.
  var dataName: String { dataPaths.map(\.nameInPath).joined(separator: "+") }

  /// What `--data` names.
  ///
  /// Earlier versions noted a relative path of a run and behind it the whole one, which counted.
  static func dataPaths(
    _ arguments: Arguments, ofFormerRun isFormer: Bool = false
  ) throws -> [String] {
    let paths = try arguments.paths("--data")
    let whole = paths.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    if !isFormer, let twice = whole.indices.first(where: { whole[..<$0].contains(whole[$0]) }) {
      throw UsageError("--data names each directory once; \(paths[twice]) is there twice")
    }
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
    _ arguments: Arguments, of method: MethodName
  ) throws -> [(setting: RecipeSetting, value: Float)] {
    try arguments.strings("--set").map { word in
      let parts = word.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      let known = RecipeSetting.all.filter { $0.methods.contains(method) }
      guard parts.count == 2, let setting = known.first(where: { $0.name == parts[0] }) else {
        throw UsageError(
          "--set needs NAME=NUMBER, for \(method.rawValue) with a name of "
            + known.map(\.name).joined(separator: ", ") + "; got \"\(word)\"")
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
