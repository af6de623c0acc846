import Arguments
import Datasets
import Foundation
import SelfSupervised
import Training

/// What `--data` names: images to train on, those with labels among them or beside them, and the
/// recipe that suits them.
struct ImageSets {
  let training: any ImageDataset
  /// Labeled images whose neighbours are looked up, and those that are classified.
  let labeled: (bank: any ImageDataset, queries: any ImageDataset)?
  let recipe: Recipe

  /// At most so many images are classified.
  private static let mostQueries = 2_000

  /// The data that have a name of their own, rather than a path.
  static let (shapesName, fashionName) = ("shapes", "fashion-mnist")

  init(_ options: Options) throws {
    let directory = options.data
    switch directory {
    case Self.shapesName:
      self = Self.shapes(options)
    case Self.fashionName:
      self.init(
        training: try FashionMNIST.load(.train), test: try FashionMNIST.load(.test), .fashionMNIST)
    case _ where Self.holds("data_batch_1.bin", directory):
      self.init(
        training: try CIFAR10.load(.train, directory: directory),
        test: try CIFAR10.load(.test, directory: directory), .color)
    case _ where Self.holds("unlabeled_X.bin", directory):
      self.init(
        training: try STL10.load(.unlabeled, directory: directory),
        bank: try STL10.load(.train, directory: directory),
        test: try STL10.load(.test, directory: directory), .color)
    case _ where Self.holdsIDX(directory):
      let training = try IDXDataset.load(.train, directory: directory)
      self.init(
        training: training, test: try IDXDataset.load(.test, directory: directory),
        training.imageShape[2] == 3 ? .color : .fashionMNIST)
    default:
      self = try Self.pictures(options)
    }
  }

  /// Images of which all are unlabeled, unless there is a `bank`, or labeled by themselves.
  private init(
    training: any ImageDataset, bank: (any ImageDataset)? = nil, test: (any ImageDataset)?,
    _ recipe: Recipe
  ) {
    self.training = training
    self.recipe = recipe
    let bank = bank ?? training
    labeled = test.flatMap { bank.labels.isEmpty || $0.labels.isEmpty ? nil : (bank, $0) }
  }

  /// Who judges, in words.
  var judges: String {
    guard let labeled else { return "no labels to evaluate with" }
    let queries = min(labeled.queries.count, Self.mostQueries)
    let bank = min(labeled.bank.count, recipe.bankSize)
    return
      "evaluated by \(queries) images of \(labeled.bank.classNames.count) classes and their neighbors among \(bank)"
  }

  /// An evaluator by the first images of each set, at `size`; nil if they have no labels.
  func judge(size: Size2D) -> KNNEvaluator? {
    labeled.map { bank, queries in
      KNNEvaluator(
        bank: bank.first(min(bank.count, recipe.bankSize)),
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

  /// Pictures in `train` and `test` or `val`, or all together, in which case a tenth of those with
  /// labels judge.
  private static func pictures(_ options: Options) throws -> ImageSets {
    let directory = options.data
    // Half as large again as the views, which are cut from these.
    let side = 3 * (options.size ?? Recipe.pictureViewSize) / 2
    var stream = RandomStream(seed: options.seed)
    /// In random order: the first ones of a folder would be of its first classes.
    func load(_ path: String) throws -> Subset {
      let images = try pictures(in: path, size: Size2D(side))
      return images.sampled(images.count, using: &stream)
    }
    let splits = splits(of: directory)
    let training = try load(splits.isEmpty ? directory : directory + "/train")
    // Without labels they would not judge.
    let judging = splits.first { $0 != "train" && holdsDirectories("\(directory)/\($0)") }
    guard let judging else { return judgingThemselves(training) }
    let test = try load("\(directory)/\(judging)")
    guard !test.labels.isEmpty else { return judgingThemselves(training) }
    if training.labels.isEmpty {
      let (queries, bank) = test.split(at: max(1, test.count / 5))
      return ImageSets(training: training, bank: bank, test: queries, .pictures)
    }
    guard test.classNames == training.classNames else {
      throw UsageError(
        "--data \(directory) needs the same subdirectories in train and \(judging); they have "
          + "\(training.classNames.joined(separator: ", ")) and "
          + test.classNames.joined(separator: ", "))
    }
    return ImageSets(training: training, test: test, .pictures)
  }

  /// In memory if they fit in half of it.
  private static func pictures(in path: String, size: Size2D) throws -> any ImageDataset {
    let files = try ImageFolder.open(directory: path, imageSize: size) { say("black: \($0)") }
    guard files.count * files.imageShape.elementCount > ProcessInfo.processInfo.physicalMemory / 2
    else {
      return try ImageFolder.load(directory: path, imageSize: size) { say("left out: \($0)") }
    }
    say("\(files.count) pictures are decoded as they are needed: memory does not hold them all")
    return files
  }

  /// A tenth of the images judges the others, if they have labels.
  private static func judgingThemselves(_ images: Subset) -> ImageSets {
    guard !images.labels.isEmpty, images.count > 1 else {
      return ImageSets(training: images, test: nil, .pictures)
    }
    let (test, training) = images.split(at: min(mostQueries, max(1, images.count / 10)))
    return ImageSets(training: training, test: test, .pictures)
  }

  /// `train` and what stands beside it, if a directory holds nothing but these; they could be
  /// classes.
  private static func splits(of directory: String) -> [String] {
    let visible = Set(visibleNames(in: directory))
    let known = ["train", "test", "val"]
    return visible.contains("train") && visible.isSubset(of: known)
      ? known.filter(visible.contains) : []
  }

  private static func holdsDirectories(_ directory: String) -> Bool {
    visibleNames(in: directory).contains { name in
      var isDirectory: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: "\(directory)/\(name)", isDirectory: &isDirectory)
      return isDirectory.boolValue
    }
  }

  private static func holds(_ name: String, _ directory: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(directory)/\(name)")
  }

  private static func holdsIDX(_ directory: String) -> Bool {
    visibleNames(in: directory).contains { $0.contains("-ubyte") }
  }

  /// Nothing where there is no directory: who reads it says so.
  private static func visibleNames(in directory: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { !$0.hasPrefix(".") }
  }
}
