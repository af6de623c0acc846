import Arguments
import Datasets
import SelfSupervised

/// The images a run trains on and those that judge it.
struct Source {
  let training: any ImageDataset
  /// Labelled images whose neighbours are looked up.
  let bank: any ImageDataset
  /// Labelled images that are classified.
  let queries: any ImageDataset
  let recipe: Recipe

  init(_ options: Options) throws {
    let training: any ImageDataset
    let test: any ImageDataset
    switch options.data {
    case "shapes":
      let (size, level) = (options.size ?? 32, Shapes.Difficulty(isHard: options.isHard))
      training = Shapes(count: 20_000, size: size, difficulty: level, seed: 2 * options.seed)
        .inMemory()
      test = Shapes(count: 2_000, size: size, difficulty: level, seed: 2 * options.seed + 1)
        .inMemory()
      recipe = .shapes
    case "fashion-mnist":
      training = try FashionMNIST.load(.train)
      test = try FashionMNIST.load(.test)
      recipe = .fashionMNIST
    default:
      training = try IDXDataset.load(directory: options.data, split: .train)
      test = try IDXDataset.load(directory: options.data, split: .test)
      recipe = .fashionMNIST
    }
    bank = training.first(min(training.count, recipe.bankSize))
    queries = test.first(min(test.count, 2_000))
    self.training = training.first(min(training.count, options.images ?? training.count))
    guard self.training.count >= options.batch else {
      throw UsageError(
        "--batch \(options.batch) needs at least as many images; there are \(self.training.count)")
    }
  }
}

extension Shapes.Difficulty {
  fileprivate init(isHard: Bool) { self = isHard ? .hard : .moderate }
}
