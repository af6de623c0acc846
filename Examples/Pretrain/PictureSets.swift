import Arguments
import Datasets
import Foundation
import SelfSupervised
import Training

/// The pictures of a directory: what is trained on, what evaluates, and what was printed of it.
struct PictureSets {
  let training: any ImageDataset
  /// Images that are not trained on; nil if there are too few to hold some back.
  let heldOut: (any ImageDataset)?
  /// Labeled images whose neighbors are looked up, and those that are classified.
  let labeled: (bank: any ImageDataset, queries: any ImageDataset)?
  /// What tells these pictures from others.
  let fingerprint: String

  /// At most so many images are classified.
  static let mostQueries = 2_000

  init(_ options: Options) throws {
    let folders = try options.dataPaths.map {
      try ImageFolder.contents(of: $0, withClasses: options.labels == nil)
    }
    fingerprint = Self.fingerprint(folders)
    if let file = options.labels {
      let labels = try PictureLabels(contentsOf: file, for: folders[0])
      try Self.describe(folders[0], labels, file)
      var loader = try PictureLoader(options, folders)
      let images = try loader.load(folders[0], labels)
      (training, heldOut) = (images.all, nil)
      labeled = Self.evaluatingThemselves(images.labeled).labeled
      return
    }
    let parts = folders.map { (contents: $0, splits: $0.splits) }
    parts.forEach { Self.describe($0.contents, $0.splits) }
    var loader = try PictureLoader(options, folders)
    let images = try loader.load(parts.map { $0.splits?.training ?? $0.contents })
    let evaluation = parts.compactMap { $0.splits?.evaluation }
    guard !evaluation.isEmpty,
      images.labels.isEmpty || evaluation.allSatisfy({ !$0.labels.isEmpty })
    else {
      (training, heldOut, labeled) = Self.evaluatingThemselves(images)
      return
    }
    let test = try loader.load(evaluation)
    heldOut = test
    guard !test.labels.isEmpty else {
      (training, labeled) = (images, nil)
      return
    }
    if images.labels.isEmpty {
      let (queries, bank) = test.split(at: max(1, test.count / 5))
      (training, labeled) = (images, (bank, queries))
      return
    }
    let queries = Subset(test, ofClasses: images.classNames)
    if queries.count < test.count {
      say("\(test.count - queries.count) of them are of classes that are not trained on")
    }
    guard queries.count > 0 else {
      (training, _, labeled) = Self.evaluatingThemselves(images)
      return
    }
    (training, labeled) = (images, (images, queries))
  }

  /// What tells the pictures of some folders from others.
  private static func fingerprint(_ folders: [FolderContents]) -> String {
    guard folders.count > 1 else { return folders[0].fingerprint() }
    var print = Fingerprint()
    folders.forEach { print.add($0.fingerprint()) }
    return "\(print)"
  }

  /// How the directory was read, and what was left out.
  private static func describe(_ contents: FolderContents, _ splits: FolderContents.Splits?) {
    if let splits {
      say("\(splits.training.directory): \(splits.training)")
      if let evaluation = splits.evaluation {
        say("\(evaluation.directory): \(evaluation), to evaluate with")
      }
      if splits.unusedCount > 0 {
        say("not used: \(counted(splits.unusedCount, "picture")) beside these")
      }
    } else {
      say("\(contents.directory): \(counted(contents.count, "picture")), \(contents.classes)")
    }
    if let skipped = contents.skipped { say("left out: \(skipped)") }
    contents.problems.prefix(PictureLoader.mostNamed).forEach { say("  \($0)") }
  }

  /// How many pictures of a directory a file has labels for.
  private static func describe(
    _ contents: FolderContents, _ labels: PictureLabels, _ file: String
  ) throws {
    describe(contents, nil)
    let names = labels.classNames
    guard names.count > 1 else {
      throw FileError(
        path: file, reason: "needs two classes or more to evaluate with; all are \(names[0])",
        kind: .damaged)
    }
    say("\(file): labels of \(counted(labels.count, "picture")), \(names.count) classes")
    let unknown = labels.unknownPaths
    guard !unknown.isEmpty else { return }
    say(
      "not used: \(counted(unknown.count, "path")) of \(file) without a picture in \(contents.directory)"
    )
    unknown.prefix(PictureLoader.mostNamed).forEach { say("  \($0)") }
  }

  /// A tenth of the images evaluates the others, by labels if they have any.
  private static func evaluatingThemselves(
    _ images: Subset
  ) -> (
    training: any ImageDataset, heldOut: (any ImageDataset)?,
    labeled: (bank: any ImageDataset, queries: any ImageDataset)?
  ) {
    let isLabeled = !images.labels.isEmpty
    guard images.count >= (isLabeled ? 2 : fewestToDivide) else { return (images, nil, nil) }
    let (test, training) = images.split(at: min(mostQueries, max(1, images.count / 10)))
    if !isLabeled { say("\(test.count) of them are held back, to evaluate with") }
    return (training, test, isLabeled ? (training, test) : nil)
  }

  /// Fewer pictures without labels are all trained on.
  private static let fewestToDivide = 500
}
