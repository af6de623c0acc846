import Arguments
import Datasets
import Foundation
import Images
import SelfSupervised
import Training

/// Reads pictures as the options say.
struct PictureLoader {
  private let options: Options
  private let size: Size2D
  /// Those that the pictures of all folders are brought to.
  private let channels: Int
  private var pictures: PictureOptions
  private var stream: RandomStream

  /// Looks at the heads of all pictures, which are brought to `channels`, or to those they have.
  init(_ options: Options, _ folders: [FolderContents], channels: Int? = nil) throws {
    let surveys = try folders.map {
      try PictureSurvey(of: $0, index: $0.count < Self.fewestKept ? nil : options.cache)
    }
    self.options = options
    size = Self.size(options, surveys)
    stream = RandomStream(seed: options.seed)
    self.channels = try channels ?? PictureSurvey.channels(of: surveys)
    pictures = options.pictures
    let isDeep = surveys.contains { $0.deepCount > 0 }
    pictures.depth = options.depth ?? (isDeep ? .sixteen : .eight)
    Self.describe(
      surveys, channels: self.channels, pictures.depth, isAsked: options.depth != nil, pictures.fit)
  }

  /// Half as large again as the network sees them, for views are cut from these; but no larger than
  /// the middle square of any picture, unless the network is to see them larger: enlarging adds time
  /// and nothing to see.
  private static func size(_ options: Options, _ surveys: [PictureSurvey]) -> Size2D {
    let usual = 3 * (options.size ?? Recipe.pictureSize) / 2
    let largest = surveys.compactMap(\.sizes?.largest).map { min($0.height, $0.width) }.max()
    return Size2D(min(usual, max(options.size ?? smallestSize, largest ?? usual)))
  }

  /// Smaller pictures are enlarged: nothing would be left of them behind a network's strides.
  private static let smallestSize = 16

  private static func describe(
    _ surveys: [PictureSurvey], channels: Int, _ depth: PictureOptions.Depth, isAsked: Bool,
    _ fit: PictureOptions.Fit
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
    let elongated = surveys.reduce(0) { $0 + $1.elongatedCount }
    if elongated > 0, fit == .crop {
      say(
        "images are the middle squares of pictures: of \(counted(elongated, "picture")) more than a third "
          + "is cut off; --fit stretch keeps all of them")
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

  /// In the order of their paths; in memory if they all fit in half of it.
  func images(of folders: [FolderContents]) throws -> any ImageDataset {
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
