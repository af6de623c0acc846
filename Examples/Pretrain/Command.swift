import Arguments
import Files
import Foundation
import Nets
import Training

/// What the first word of a command line asks for.
enum Command: String, CaseIterable {
  case train, launch, evaluate, report, verify, predict, embed, neighbors, curate, export
  case views, plan, doctor

  /// One line for the help.
  var help: String {
    switch self {
    case .train: "train a network; the same without this word"
    case .launch:
      "launch -n N [--hosts LIST] [--threads T] [--restarts R] -- [flags]: train with N processes, each on "
        + "its part of every batch; launch --help says more"
    case .evaluate:
      "evaluate DIR [--data NAME] [--labels FILE] [--fine-tune K]: what labels say of the network of a run, "
        + "beside raw pixels; and what it learns from K labels of each class, beside one from scratch"
    case .report: "report DIR: write the report of a run that is there again"
    case .verify:
      "verify DIR [--threads N]: take the first 20 steps of a run again and compare: the same bits, by "
        + "any number of threads, on the same kind of processor"
    case .predict:
      "predict DIR [--labels FILE] [--data NAME] [--to DIR]: the classes of pictures without labels, learned "
        + "from those of the run that have some, as .csv"
    case .embed:
      "embed DIR [--data NAME] [--to DIR]: write the features of pictures, as .npy and .csv"
    case .neighbors:
      "neighbors DIR PICTURE… [--data NAME] [--count K]: the pictures that are most similar to each of these"
    case .curate:
      "curate DIR [--data NAME] [--select K] [--to DIR]: near-duplicates, outliers, what train and test "
        + "share, and the K most diverse to label"
    case .export:
      "export DIR [--onnx FILE]: write the network of a run as ONNX, which other programs run; "
        + "DIR/network.onnx if no file is named"
    case .views: "views FILE [flags]: draw eight images and two views of each, and nothing else"
    case .plan: "plan --hours H [flags]: train for 20 seconds, and say how many epochs H hours are"
    case .doctor: "what this machine has, and what is missing"
    }
  }

  /// How it is called, and what it does.
  private var usage: String { help.hasPrefix(rawValue) ? help : "\(rawValue): \(help)" }

  /// The command and the words behind it; training if the first word is none.
  static func parse(_ words: [String]) throws -> (Command, [String]) {
    guard let first = words.first, first != "-h", first != "help" else {
      return (.train, words.isEmpty ? [] : ["--help"])
    }
    guard !first.hasPrefix("-") else { return (.train, words) }
    guard let command = Command(rawValue: first == "neighbours" ? "neighbors" : first) else {
      throw UsageError(
        "there is no command \(first.prefix(40)); there are "
          + allCases.map(\.rawValue).joined(separator: ", "))
    }
    return (command, Array(words.dropFirst()))
  }

  func run(_ words: [String]) throws {
    if ![.train, .launch].contains(self), ["--help", "-h"].contains(where: words.contains) {
      return say("usage: pretrain \(usage)\npretrain --help lists all commands and flags.")
    }
    switch self {
    case .train: try train(words)
    case .launch: if let launch = try Launch(words) { exit(try launch.run()) }
    case .evaluate: try PictureCommand.evaluate(words)
    case .report: try report(words)
    case .verify: try verify(words)
    case .predict: try PictureCommand.predict(words)
    case .embed: try PictureCommand.embed(words)
    case .neighbors: try PictureCommand.neighbors(words)
    case .curate: try PictureCommand.curate(words)
    case .export: try export(words)
    case .views: try drawViews(words)
    case .plan: try plan(words)
    case .doctor:
      guard words.isEmpty else { throw UsageError("doctor takes no flags; got \(words[0])") }
      Doctor().print()
    }
  }

  private func train(_ words: [String]) throws {
    let group = try RunProcesses.join()
    guard let options = try RunProcesses.agreeing(group, { try Options(words) }) else {
      say(Options.help)
      return group.leave()
    }
    try options.withCompute {
      if let replay = options.replay {
        try Pretraining.replay(options, replay)
      } else {
        let run = try RunProcesses.agreeing(group) { try Pretraining(options, trains: true) }
        try RunProcesses.check(group, options, run.note)
        try group.isFirst ? run.run() : run.follow()
      }
    }
    group.leave()
  }

  private func report(_ words: [String]) throws {
    guard let directory = words.first, !directory.hasPrefix("-") else {
      throw UsageError("report needs the directory of a run")
    }
    let run = try RunDirectory(withLogIn: directory)
    do {
      guard let options = try Options(["--resume", directory] + words.dropFirst()) else { return }
      try options.withCompute { try Pretraining(options).writeReport() }
    } catch let error where Self.saysWhatIsMissing(error) {
      say("the report has curves only: \(error)")
      try RunReport.curves(of: run).write(to: run.report)
      say("wrote \(run.report)")
    }
  }

  private func verify(_ words: [String]) throws {
    guard let directory = words.first, !directory.hasPrefix("-") else {
      throw UsageError("verify needs the directory of a run")
    }
    let flags = Array(words.dropFirst())
    let (_, others) = try Self.value(of: "--threads", in: flags)
    guard others.isEmpty else { throw UsageError("verify takes --threads alone; got \(others[0])") }
    guard let options = try Options(["--resume", directory] + flags) else { return }
    try options.withCompute { try Pretraining(options).verify() }
  }

  /// Whether an error is of data or a checkpoint that the curves do not need.
  private static func saysWhatIsMissing(_ error: any Error) -> Bool {
    error is CheckpointError || error is StateError
      || (error as? FileError).map { $0.kind != .unwritable } ?? false
  }

  private func export(_ words: [String]) throws {
    guard let directory = words.first, !directory.hasPrefix("-") else {
      throw UsageError("export needs the directory of a run")
    }
    let (path, flags) = try Self.value(of: "--onnx", in: Array(words.dropFirst()))
    guard path?.isEmpty != true else { throw UsageError("--onnx needs the file to write") }
    guard flags.isEmpty else { throw UsageError("export takes --onnx alone; got \(flags[0])") }
    let run = RunDirectory(existing: directory)
    try BackboneFile.exportONNX(run.backbone, to: path ?? run.onnx)
  }

  private func drawViews(_ words: [String]) throws {
    guard let path = words.first, !path.hasPrefix("-") else {
      throw UsageError("views needs the file to draw, which ends with .png or .ppm")
    }
    try withScratchDirectory { scratch in
      let flags = Self.cacheOfRuns + words.dropFirst() + ["--views", path, "--out", scratch]
      guard let options = try Options(flags) else { return }
      try Pretraining(options).drawViews(to: path)
    }
  }

  /// Decoded pictures are kept where a run would keep them, not beside a scratch directory.
  private static let cacheOfRuns = ["--cache", "runs"]

  private func plan(_ words: [String]) throws {
    let (hours, flags) = try Self.hours(in: words)
    try withScratchDirectory { scratch in
      guard let options = try Options(Self.cacheOfRuns + flags + ["--out", scratch]) else { return }
      try options.withCompute { try Pretraining(options).plan(hours: hours) }
    }
  }

  /// The value of `--hours`, and the other words.
  private static func hours(in words: [String]) throws -> (Double, [String]) {
    let (text, rest) = try value(of: "--hours", in: words)
    guard let text else { throw UsageError("plan needs --hours H, the time that there is") }
    let most = Double(Options.mostMinutes / 60)
    guard let hours = Double(text), hours > 0, hours <= most else {
      throw UsageError("--hours needs a number above zero, at most \(Int(most)); got \"\(text)\"")
    }
    return (hours, rest)
  }

  /// The value of a flag that one command alone has, if it is there, and the other words.
  private static func value(
    of flag: String, in words: [String]
  ) throws -> (value: String?, rest: [String]) {
    guard let place = words.firstIndex(where: { $0 == flag || $0.hasPrefix(flag + "=") }) else {
      return (nil, words)
    }
    var rest = words
    let word = rest.remove(at: place)
    let isNext = word == flag && place < rest.count
    return (isNext ? rest.remove(at: place) : String(word.dropFirst(flag.count + 1)), rest)
  }

  /// A run's directory for what leaves none.
  private func withScratchDirectory(_ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "pretrain-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }
}
