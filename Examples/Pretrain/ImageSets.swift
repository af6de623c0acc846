import Arguments
import Datasets
import Foundation
import SelfSupervised
import Training

/// What `--data` names: images to train on, those with labels among them or beside them, and the
/// kind of recipe that suits them.
struct ImageSets {
  let training: any ImageDataset
  /// Images that are not trained on; nil if there are none.
  let heldOut: (any ImageDataset)?
  /// Labeled images whose neighbours are looked up, and those that are classified.
  let labeled: (bank: any ImageDataset, queries: any ImageDataset)?
  let kind: Recipe.Images
  /// What tells these images from others.
  let fingerprint: String

  /// The data that have a name of their own, rather than a path.
  static let (shapesName, fashionName) = ("shapes", "fashion-mnist")

  /// Whether data of this name are no path.
  static func isName(_ data: String) -> Bool { [shapesName, fashionName].contains(data) }

  init(_ options: Options) throws {
    guard options.dataPaths.count == 1 else {
      for path in options.dataPaths where Self.isName(path) || Self.holdsNoPictures(path) {
        throw UsageError(
          "--data can be given several times for directories of pictures; \(path) is none")
      }
      self.init(try PictureSets(options))
      return
    }
    let directory = options.data
    switch directory {
    case Self.shapesName:
      self = Self.shapes(options)
    case Self.fashionName:
      self.init(
        training: try FashionMNIST.load(.train), test: try FashionMNIST.load(.test), .grayObjects)
    case _ where options.labels != nil:
      self.init(try PictureSets(options))
    case _ where Self.holds("data_batch_1.bin", directory):
      self.init(
        training: try CIFAR10.load(.train, directory: directory),
        test: try CIFAR10.load(.test, directory: directory), .smallPhotographs)
    case _ where Self.holds("unlabeled_X.bin", directory):
      self.init(
        training: try STL10.load(.unlabeled, directory: directory),
        bank: try STL10.load(.train, directory: directory),
        test: try STL10.load(.test, directory: directory), .smallPhotographs)
    case _ where Self.holdsIDX(directory):
      let training = try IDXDataset.load(.train, directory: directory)
      self.init(
        training: training, test: try IDXDataset.load(.test, directory: directory),
        training.imageShape[2] == 3 ? .smallPhotographs : .grayObjects)
    default:
      self.init(try PictureSets(options))
    }
  }

  /// Images of which all are unlabeled, unless there is a `bank`, or labeled by themselves.
  private init(
    training: any ImageDataset, bank: (any ImageDataset)? = nil, test: (any ImageDataset)?,
    _ kind: Recipe.Images
  ) {
    self.training = training
    self.kind = kind
    fingerprint = Self.fingerprint(of: training)
    heldOut = test
    let bank = bank ?? training
    labeled = test.flatMap { bank.labels.isEmpty || $0.labels.isEmpty ? nil : (bank, $0) }
  }

  private init(_ pictures: PictureSets) {
    (training, heldOut) = (pictures.training, pictures.heldOut)
    labeled = pictures.labeled
    (kind, fingerprint) = (.photographs, pictures.fingerprint)
  }

  /// A few images and all labels tell a set from others.
  private static func fingerprint(of images: any ImageDataset) -> String {
    var print = Fingerprint()
    images.labels.forEach { print.add($0) }
    let places = stride(from: 0, to: images.count, by: max(1, images.count / 16))
    images.images(at: Array(places)).scalars.forEach { print.add(Int($0.bitPattern)) }
    return "\(print)"
  }

  /// Who judges, in words.
  func judges(bankSize: Int) -> String {
    guard let labeled else { return "no labels to evaluate with" }
    let queries = min(labeled.queries.count, PictureSets.mostQueries)
    let bank = min(labeled.bank.count, bankSize)
    return
      "evaluated by \(counted(queries, "image")) of \(labeled.bank.classNames.count) classes and their neighbors among \(bank)"
  }

  /// The first images of each set that have labels; nil if none have.
  func judged(bankSize: Int) -> (bank: any ImageDataset, queries: any ImageDataset)? {
    labeled.map { bank, queries in
      (
        bank.first(min(bank.count, bankSize)),
        queries.first(min(queries.count, PictureSets.mostQueries))
      )
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

  private static func holds(_ name: String, _ directory: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(directory)/\(name)")
  }

  /// Whether a directory has the files of a data set, rather than pictures.
  static func holdsNoPictures(_ directory: String) -> Bool {
    holds("data_batch_1.bin", directory) || holds("unlabeled_X.bin", directory)
      || holdsIDX(directory)
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
