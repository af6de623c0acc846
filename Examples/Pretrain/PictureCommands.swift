import Arguments
import Datasets
import Files
import Foundation
import SelfSupervised
import Training

/// `evaluate`, `predict`, `embed`, `neighbors` and `curate`: what the network of a run says of pictures.
struct PictureCommand {
  private let run: RunPictures
  /// Where files are written.
  private let output: String
  private let arguments: Arguments
  /// The words behind the directory that are no flags.
  private let files: [String]

  private static let labels = Flag(
    "--labels", "FILE", "path,label lines for some of the run's pictures")
  private static let data = Flag(
    "--data", "NAME",
    "what is looked at, as for a training, once or more often; that of the run if not given")
  private static let output = Flag(
    "--to", "DIR", "where files are written; the run's directory if not given")
  private static let threads = Flag("--threads", "N", "threads to use; all cores if not given")

  /// - Throws: ``UsageError`` if the words do not say which run.
  init(
    _ name: String, _ words: [String], flags: [Flag], takesFiles: Bool = false,
    writesFiles: Bool = true
  ) throws {
    let positional = words.prefix { !$0.hasPrefix("-") }
    guard let directory = positional.first else {
      throw UsageError("\(name) needs the directory of a run")
    }
    files = Array(positional.dropFirst())
    guard takesFiles || files.isEmpty else {
      throw UsageError("\(name) takes one directory, that of a run; got \(files[0]) too")
    }
    arguments = try Arguments(
      Array(words.dropFirst(positional.count)),
      flags: [Self.data, Self.threads] + (writesFiles ? [Self.output] : []) + flags)
    if let threads = try arguments.optionalInteger("--threads", in: 1...1_024) {
      Threads.count = threads
    }
    run = try RunPictures(run: directory)
    output = try writesFiles ? arguments.path(Self.output.name) ?? directory : directory
    // Made before the work, which may take an hour.
    if writesFiles { try makeDirectory(at: output) }
  }

  /// The pictures that are looked at.
  private func parts() throws -> [RunPictures.Part] {
    try run.parts(of: data)
  }

  /// What `--data` names; nil if it is not given.
  private var data: [String]? {
    get throws { arguments.has(Self.data.name) ? try Options.dataPaths(arguments) : nil }
  }

  /// The same, and what the network makes of them.
  private func looked() throws -> [(part: RunPictures.Part, embeddings: Embeddings)] {
    try parts().map { ($0, try run.embeddings(of: $0)) }
  }
}

// MARK: - Labels

extension PictureCommand {
  /// Prints what labels say of the network.
  static func evaluate(_ words: [String]) throws {
    let fineTune = Flag(
      "--fine-tune", "K", "how many labels of a class the network is fine-tuned with")
    let command = try PictureCommand(
      "evaluate", words, flags: [Self.labels, fineTune], writesFiles: false)
    try command.run.evaluate(
      data: command.data, labels: command.arguments.path(Self.labels.name),
      fineTuningWith: command.arguments.optionalInteger(fineTune.name, in: 1...1_000_000))
  }
}

// MARK: - Predictions

extension PictureCommand {
  /// Fewer pictures do not tell how often predictions are right.
  private static let fewestChecked = 30

  /// Writes the classes of pictures, learned from those that have labels.
  static func predict(_ words: [String]) throws {
    let command = try PictureCommand("predict", words, flags: [Self.labels])
    let found = try command.run.predictions(
      of: command.data, by: command.arguments.path(Self.labels.name))
    let classes = found.classes.map { found.classNames[$0.number] }
    try command.write(
      "predictions",
      "the classes of \(counted(found.names.count, "picture")), learned from "
        + counted(found.labeledCount, "label"), ["path", "label", "probability"],
      zip(found.names, zip(classes, found.classes)).map { name, found in
        [name, found.0, String(format: "%.3f", found.1.probability)]
      })
    let (right, count) = found.check
    guard count >= fewestChecked else {
      return say("\(counted(found.labeledCount, "label")) are too few to tell how many are right")
    }
    say(
      String(format: "%.3f", Float(right) / Float(count))
        + " of \(count) pictures with labels were right where those had not been learned from")
  }
}

// MARK: - Embeddings

extension PictureCommand {
  /// Writes the features of all pictures.
  static func embed(_ words: [String]) throws {
    let command = try PictureCommand("embed", words, flags: [])
    let start = ContinuousClock.now
    let embeddings = Embeddings(joining: try command.looked().map(\.embeddings))
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let (numbers, table) = (
      "\(command.output)/embeddings.npy", "\(command.output)/embeddings.csv"
    )
    try embeddings.features.writeNumPy(to: numbers)
    try embeddings.write(to: table)
    say(
      """
      \(counted(embeddings.names.count, "picture")), \(embeddings.features.shape[1]) features of the network \
      (not of the projection, which the training throws away), \
      \(String(format: "%.0f", Double(embeddings.names.count) / seconds)) images/s with reading
      wrote \(numbers) and \(table)
      """)
  }
}

// MARK: - Neighbors

extension PictureCommand {
  /// Prints the pictures that are most similar to each of those that are given.
  static func neighbors(_ words: [String]) throws {
    let count = Flag("--count", "K", "how many are printed", standard: "10")
    let command = try PictureCommand(
      "neighbors", words, flags: [count], takesFiles: true, writesFiles: false)
    guard !command.files.isEmpty else {
      throw UsageError("neighbors needs one picture or more, behind the directory of the run")
    }
    let k = try command.arguments.integer(count.name, in: 1...10_000)
    let parts = try command.parts()
    let queries = try command.run.features(ofFiles: command.files, like: parts[0])
    let all = Embeddings(joining: try parts.map(command.run.embeddings))
    for (file, found) in zip(command.files, all.nearest(to: queries, count: k)) {
      say(file)
      for (index, cosine) in zip(found.indices, found.similarities) {
        say(String(format: "  %.4f  ", cosine) + all.names[index])
      }
    }
  }
}

// MARK: - Curation

extension PictureCommand {
  /// How many outliers are written: a hundredth of the pictures, and at least so many.
  private static let fewestOutliers = 50
  /// How many lines of each file are printed.
  private static let shownCount = 5

  /// Writes which pictures are nearly the same, which stand apart, which are in training and test, and
  /// which to label.
  static func curate(_ words: [String]) throws {
    let select = Flag("--select", "K", "how many pictures to label are chosen", standard: "50")
    let command = try PictureCommand("curate", words, flags: [select])
    let count = try command.arguments.integer(select.name, in: 1...10_000_000)
    let looked = try command.looked()
    let all = Embeddings(joining: looked.map(\.embeddings))
    guard all.names.count > 2 else {
      throw FileError(
        path: looked.first?.part.name ?? "",
        reason: "curate needs three pictures or more; there \(all.names.count == 1 ? "is" : "are") "
          + "\(all.names.count)")
    }
    let pictures = concatenated(looked.map { $0.part.images.features { smallCopies(of: $0) } })
    let duplicates = nearDuplicates(of: pictures, features: all.features)
    try command.write(
      duplicates, of: all, "duplicates",
      counted(duplicates.count, "near-duplicate") + " by compression, brightness or a cut edge")
    if looked.count > 1 {
      let sets = looked.enumerated().flatMap { part, looked in
        [Int](repeating: part, count: looked.embeddings.names.count)
      }
      let leaks = duplicates.filter { sets[$0.first] != sets[$0.second] }
      try command.write(
        leaks, of: all, "leaks",
        "\(leaks.count) of them between \(looked.map(\.part.name).joined(separator: " and "))")
    }
    let scores = outlierScores(all.features)
    let outliers = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }
      .prefix(max(fewestOutliers, scores.count / 100))
    try command.write(
      "outliers", "the \(counted(outliers.count, "picture")) furthest apart from others",
      ["path", "distance"], outliers.map { [all.names[$0], "\(scores[$0])"] })
    let chosen = diverseSelection(
      of: all.features, count: count,
      excluding: Set(duplicates.map(\.second)).union(outliers.prefix(scores.count / 100)))
    try command.write(
      "selection", counted(chosen.count, "picture") + " to label first, each unlike the others",
      ["path"],
      chosen.map { [all.names[$0]] })
  }

  private func write(
    _ pairs: [NearDuplicate], of all: Embeddings, _ name: String, _ what: String
  ) throws {
    try write(
      name, what, ["path", "other", "difference"],
      pairs.map { [all.names[$0.first], all.names[$0.second], "\($0.difference)"] })
  }

  /// Writes a table and prints its first lines.
  private func write(
    _ name: String, _ what: String, _ columns: [String], _ rows: [[String]]
  ) throws {
    let path = "\(output)/\(name).csv"
    try writeAtomically(to: path) { file in
      for row in [columns] + rows { try file.write(contentsOf: Data(csvLine(row).utf8)) }
    }
    say("\(what): \(path)")
    rows.prefix(Self.shownCount).forEach { say("  " + $0.joined(separator: "  ")) }
  }
}
