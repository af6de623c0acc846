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
    let contents = try ImageFolder.contents(of: options.data, withClasses: options.labels == nil)
    fingerprint = contents.fingerprint()
    var loader = PictureLoader(options)
    if let file = options.labels {
      let labels = try PictureLabels(contentsOf: file, for: contents)
      try Self.describe(contents, labels, file)
      let images = try loader.load(contents, labels)
      (training, heldOut) = (images.all, nil)
      labeled = Self.evaluatingThemselves(images.labeled).labeled
      return
    }
    guard let splits = contents.splits else {
      Self.describe(contents, nil)
      let images = try loader.load(contents)
      (training, heldOut, labeled) = Self.evaluatingThemselves(images)
      return
    }
    Self.describe(contents, splits)
    let images = try loader.load(splits.training)
    guard let evaluation = splits.evaluation,
      images.labels.isEmpty || !evaluation.labels.isEmpty
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
