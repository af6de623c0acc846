import Arguments
import Datasets
import Foundation
import SelfSupervised

/// The images a run trains on and those that judge it.
struct Source {
  let training: any ImageDataset
  /// Labelled images whose neighbours are looked up.
  let bank: any ImageDataset
  /// Labelled images that are classified.
  let queries: any ImageDataset
  let recipe: Recipe
  let batchSize: Int
  let viewSize: Size2D

  init(_ options: Options) throws {
    let training: any ImageDataset
    let test: any ImageDataset
    /// Labelled images, where those to train on have no labels.
    var labelled: (any ImageDataset)?
    switch options.data {
    case "shapes":
      // At least as fine as the recipe's: small views are cut from these, not drawn small.
      let size = max(32, options.size ?? 0)
      let level = Shapes.Difficulty(isHard: options.isHard)
      training = Shapes(count: 20_000, size: size, difficulty: level, seed: 2 * options.seed)
        .inMemory()
      test = Shapes(count: 2_000, size: size, difficulty: level, seed: 2 * options.seed + 1)
        .inMemory()
      recipe = .shapes
    case "fashion-mnist":
      training = try FashionMNIST.load(.train)
      test = try FashionMNIST.load(.test)
      recipe = .fashionMNIST
    case let directory where Self.holds("data_batch_1.bin", directory):
      training = try CIFAR10.load(.train, directory: directory)
      test = try CIFAR10.load(.test, directory: directory)
      recipe = .color
    case let directory where Self.holds("unlabeled_X.bin", directory):
      training = try STL10.load(.unlabelled, directory: directory)
      labelled = try STL10.load(.train, directory: directory)
      test = try STL10.load(.test, directory: directory)
      recipe = .color
    default:
      training = try IDXDataset.load(directory: options.data, split: .train)
      test = try IDXDataset.load(directory: options.data, split: .test)
      recipe = training.imageShape[2] == 3 ? .color : .fashionMNIST
    }
    let bank = labelled ?? training
    self.bank = bank.first(min(bank.count, recipe.bankSize))
    queries = test.first(min(test.count, 2_000))
    self.training = training.first(min(training.count, options.images ?? training.count))
    batchSize = options.batch ?? recipe.batchSize
    let side = options.size ?? recipe.viewSize
    viewSize = Size2D(
      height: side ?? training.imageShape[0], width: side ?? training.imageShape[1])
    guard self.training.count >= batchSize else {
      throw UsageError(
        "--batch \(batchSize) needs at least as many images; there are \(self.training.count)")
    }
  }
}

extension Source {
  private static func holds(_ name: String, _ directory: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(directory)/\(name)")
  }
}

extension Shapes.Difficulty {
  fileprivate init(isHard: Bool) { self = isHard ? .hard : .moderate }
}
