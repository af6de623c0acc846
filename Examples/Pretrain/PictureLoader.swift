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
  private var stream: RandomStream

  init(_ options: Options) {
    self.options = options
    // Half as large again as the views, which are cut from these.
    size = Size2D(3 * (options.size ?? Recipe.pictureViewSize) / 2)
    stream = RandomStream(seed: options.seed)
  }

  /// In random order: the first ones of a folder would be of its first classes.
  mutating func load(_ contents: FolderContents) throws -> Subset {
    let images = try images(of: contents)
    return images.sampled(images.count, using: &stream)
  }

  /// All images, and those that have labels, in random orders.
  mutating func load(
    _ contents: FolderContents, _ labels: PictureLabels
  ) throws -> (all: Subset, labeled: Subset) {
    let images = try images(of: contents)
    let labeled =
      (images as? LabeledImages).map(labels.labeled)
      ?? (images as? LazyImageFolder).map(labels.labeled) ?? images.first(0)
    return (
      images.sampled(images.count, using: &stream), labeled.sampled(labeled.count, using: &stream)
    )
  }

  /// How pictures are read.
  func format(channels: Int) -> ImageFormat {
    ImageFormat(size, channels: channels, options: options.pictures)
  }

  /// In the order of their paths; in memory if they fit in half of it.
  func images(of contents: FolderContents, channels: Int = 3) throws -> any ImageDataset {
    let bytes = contents.count * size.height * size.width * channels
    guard bytes > Machine.memoryLimit / 2 else {
      let progress = DecodingProgress(of: contents.count)
      let told = Set(contents.problems)
      var leftOut = 0
      let images = try ImageFolder.load(
        contents, imageSize: size, channels: channels, options: options.pictures,
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
    say("the pictures are decoded as they are needed: memory does not hold all \(contents.count)")
    return try ImageFolder.open(
      contents, imageSize: size, channels: channels, options: options.pictures
    ) {
      say("another picture stands in for \($0)")
    }
  }

  /// How many pictures that cannot be read are named.
  static let mostNamed = 10
  /// Fewer pictures are decoded as quickly as the file that would keep them is written.
  private static let fewestKept = 1_000
}
