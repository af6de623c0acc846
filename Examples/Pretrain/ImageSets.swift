import Arguments
import Datasets
import ExampleSupport
import Foundation
import SelfSupervised

/// What `--data` names: images to train on, those with labels among them or beside them, and the recipe that
/// suits them.
struct ImageSets {
  let training: any ImageDataset
  /// Labelled images whose neighbours are looked up, and those that are classified.
  let labelled: (bank: any ImageDataset, queries: any ImageDataset)?
  let recipe: Recipe

  /// At most so many images are classified.
  private static let mostQueries = 2_000

  init(_ options: Options) throws {
    let directory = options.data
    switch directory {
    case "shapes":
      self = Self.shapes(options)
    case "fashion-mnist":
      self.init(
        training: try FashionMNIST.load(.train), test: try FashionMNIST.load(.test), .fashionMNIST)
    case _ where Self.holds("data_batch_1.bin", directory):
      self.init(
        training: try CIFAR10.load(.train, directory: directory),
        test: try CIFAR10.load(.test, directory: directory), .color)
    case _ where Self.holds("unlabeled_X.bin", directory):
      self.init(
        training: try STL10.load(.unlabelled, directory: directory),
        bank: try STL10.load(.train, directory: directory),
        test: try STL10.load(.test, directory: directory), .color)
    case _ where Self.holdsIDX(directory):
      let training = try IDXDataset.load(directory: directory, split: .train)
      self.init(
        training: training, test: try IDXDataset.load(directory: directory, split: .test),
        training.imageShape[2] == 3 ? .color : .fashionMNIST)
    default:
      self = try Self.pictures(options)
    }
  }

  /// Images of which all are unlabelled, unless there is a `bank`, or labelled by themselves.
  private init(
    training: any ImageDataset, bank: (any ImageDataset)? = nil, test: (any ImageDataset)?,
    _ recipe: Recipe
  ) {
    self.training = training
    self.recipe = recipe
    let bank = bank ?? training
    labelled = test.flatMap { bank.labels.isEmpty || $0.labels.isEmpty ? nil : (bank, $0) }
  }

  /// A judge by the first images of each set, at `size`; nil if they have no labels.
  func judge(bankSize: Int, size: Size2D) -> Judge? {
    labelled.map { bank, queries in
      Judge(
        bank: bank.first(min(bank.count, bankSize)),
        queries: queries.first(min(queries.count, Self.mostQueries)), size: size)
    }
  }
}

// MARK: - Kinds of images

extension ImageSets {
  private static func shapes(_ options: Options) -> ImageSets {
    // At least as fine as the recipe's: small views are cut from these, not drawn small.
    let size = max(32, options.size ?? 0)
    func images(_ count: Int, seed: UInt64) -> any ImageDataset {
      Shapes(
        count: count, size: size, difficulty: options.isHard ? .hard : .moderate, seed: seed
      ).inMemory()
    }
    return ImageSets(
      training: images(20_000, seed: 2 * options.seed),
      test: images(2_000, seed: 2 * options.seed + 1), .shapes)
  }

  /// Pictures in `train` and `test` or `val`, or all together: then a tenth of those with labels judge.
  private static func pictures(_ options: Options) throws -> ImageSets {
    let directory = options.data
    let recipe = Recipe.pictures
    // Half as large again as the views, which are cut from these.
    let side = 3 * (options.size ?? recipe.viewSize ?? 64) / 2
    func load(_ path: String) throws -> LabelledImages {
      try ImageFolder.load(directory: path, imageSize: Size2D(height: side, width: side))
    }
    if holds("train", directory) {
      let training = try load(directory + "/train")
      let test = try ["test", "val"].first { holds($0, directory) }
        .map { try load("\(directory)/\($0)") }
      if let test, test.classNames != training.classNames {
        throw UsageError(
          "--data \(directory) needs the same subdirectories in train and in test or val; they have "
            + "\(training.classNames.count) and \(test.classNames.count), not all of one name")
      }
      return ImageSets(training: training, test: test, recipe)
    }
    let all = try load(directory)
    guard !all.labels.isEmpty else { return ImageSets(training: all, test: nil, recipe) }
    var stream = RandomStream(seed: options.seed)
    let queries = min(mostQueries, all.count / 10)
    let (test, training) = all.split(at: queries, using: &stream)
    return ImageSets(training: training, test: test, recipe)
  }

  private static func holds(_ name: String, _ directory: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(directory)/\(name)")
  }

  private static func holdsIDX(_ directory: String) -> Bool {
    let names = try? FileManager.default.contentsOfDirectory(atPath: directory)
    return names?.contains { $0.contains("-ubyte") } ?? false
  }
}
