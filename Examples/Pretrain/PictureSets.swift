import Arguments
import Datasets
import Foundation
import Images
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
    // Half as large again as the views, which are cut from these.
    let size = Size2D(3 * (options.size ?? Recipe.pictureViewSize) / 2)
    if let file = options.labels {
      let labels = try PictureLabels(contentsOf: file, for: folders[0])
      try Self.describe(folders[0], labels, file)
      var loader = try Loader(options, size, folders)
      let images = try loader.load(folders[0], labels)
      (training, heldOut) = (images.all, nil)
      labeled = Self.evaluatingThemselves(images.labeled).labeled
      return
    }
    let parts = folders.map { (contents: $0, splits: $0.splits) }
    parts.forEach { Self.describe($0.contents, $0.splits) }
    var loader = try Loader(options, size, folders)
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
    contents.problems.prefix(Loader.mostNamed).forEach { say("  \($0)") }
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
    unknown.prefix(Loader.mostNamed).forEach { say("  \($0)") }
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

/// Reads pictures as the options say.
private struct Loader {
  private let options: Options
  private let size: Size2D
  /// Those that the pictures of all folders are brought to.
  private let channels: Int
  private var pictures: PictureOptions
  private var stream: RandomStream

  /// Looks at the heads of all pictures.
  init(_ options: Options, _ size: Size2D, _ folders: [FolderContents]) throws {
    let surveys = try folders.map {
      try PictureSurvey(of: $0, index: $0.count < Self.fewestKept ? nil : options.cache)
    }
    (self.options, self.size) = (options, size)
    stream = RandomStream(seed: options.seed)
    channels = try PictureSurvey.channels(of: surveys)
    pictures = options.pictures
    let isDeep = surveys.contains { $0.deepCount > 0 }
    pictures.depth = options.depth ?? (isDeep ? .sixteen : .eight)
    Self.describe(
      surveys, channels: channels, pictures.depth, isAsked: options.depth != nil)
  }

  private static func describe(
    _ surveys: [PictureSurvey], channels: Int, _ depth: PictureOptions.Depth, isAsked: Bool
  ) {
    if channels != 3 || depth == .sixteen {
      say("\(counted(channels, "channel")), \(depth.rawValue) bits a value")
    }
    let rounded = surveys.reduce(0) { $0 + $1.deepPNGCount }
    if rounded > 0, depth == .eight, !isAsked {
      say("\(counted(rounded, "PNG file")) of 16 bits a value, read as 8; --depth 16 keeps them")
    }
    let paged = surveys.reduce(0) { $0 + $1.severalPagesCount }
    if paged > 0 {
      say("\(counted(paged, "TIFF file")) of several pages, of which the first is read")
    }
    for error in surveys.compactMap(\.indexError) { say("not kept for the next run: \(error)") }
  }

  /// In random order: the first ones of a folder would be of its first classes.
  mutating func load(_ folders: [FolderContents]) throws -> Subset {
    let images = try images(of: folders)
    return images.sampled(images.count, using: &stream)
  }

  /// All images, and those that have labels, in random orders.
  mutating func load(
    _ contents: FolderContents, _ labels: PictureLabels
  ) throws -> (all: Subset, labeled: Subset) {
    let images = try images(of: [contents])
    let labeled =
      (images as? LabeledImages).map(labels.labeled)
      ?? (images as? LazyImageFolder).map(labels.labeled) ?? images.first(0)
    return (
      images.sampled(images.count, using: &stream), labeled.sampled(labeled.count, using: &stream)
    )
  }

  /// In memory if they all fit in half of it.
  private func images(of folders: [FolderContents]) throws -> any ImageDataset {
    let count = folders.reduce(0) { $0 + $1.count }
    let bytes = count * size.height * size.width * channels * pictures.depth.rawValue / 8
    let isKept = bytes <= Machine.memoryLimit / 2
    if !isKept {
      say("the pictures are decoded as they are needed: memory does not hold all \(count)")
    }
    let sets = try folders.map { folder -> any ImageDataset in
      if isKept { try loaded(folder) } else { try opened(folder) }
    }
    guard sets.count > 1 else { return sets[0] }
    let all = ConcatenatedDataset(sets)
    if all.labels.isEmpty, sets.contains(where: { !$0.labels.isEmpty }) {
      say("no labels to evaluate with: the directories have different classes")
    }
    return all
  }

  private func opened(_ contents: FolderContents) throws -> LazyImageFolder {
    try ImageFolder.open(contents, imageSize: size, channels: channels, options: pictures) {
      say("another picture stands in for \($0)")
    }
  }

  private func loaded(_ contents: FolderContents) throws -> LabeledImages {
    let progress = DecodingProgress(of: contents.count)
    let told = Set(contents.problems)
    var leftOut = 0
    let images = try ImageFolder.load(
      contents, imageSize: size, channels: channels, options: pictures,
      cache: contents.count < Self.fewestKept ? nil : options.cache,
      onDecodingError: { error in
        guard !told.contains(error) else { return }
        guard error.kind != .unwritable else {
          return progress.interrupt(with: "not kept for the next run: \(error)")
        }
        leftOut += 1
        if leftOut <= Self.mostNamed { progress.interrupt(with: "left out: \(error)") }
      }, progress: progress.update)
    progress.finish()
    if leftOut > Self.mostNamed { say("left out: \(leftOut - Self.mostNamed) more") }
    if images.transparentCount > 0 {
      say(
        "\(counted(images.transparentCount, "picture")) with transparent pixels, shown on "
          + options.background)
    }
    return images
  }

  /// How many pictures that cannot be read are named.
  static let mostNamed = 10
  /// Fewer pictures are decoded as quickly as the file that would keep them is written.
  private static let fewestKept = 1_000
}
