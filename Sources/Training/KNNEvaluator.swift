import Datasets
import SelfSupervised
import Tensor

/// What labeled images say of features that were learned without labels.
public struct FeatureScores: Sendable {
  /// The share of the queries that the vote of their nearest neighbors classifies.
  public let knn: Float
  /// The share that a classifier of few labels of each class gets right.
  public let fewLabels: [FewLabelAccuracy]
}

/// Judges features that were learned without labels by labeled images: the vote of nearest
/// neighbors.
public struct KNNEvaluator: Sendable {
  private let bank: any ImageDataset
  private let queries: any ImageDataset
  private let size: Size2D?

  /// The height and width above which pixels are compared at a smaller size, and that above which
  /// classifiers see them so: their fits take as long as there are pixels.
  private static let (mostPixels, mostFittedPixels) = (64, 32)

  /// An evaluator that looks up neighbors in `bank` and classifies `queries`, both at `size`, or as
  /// they are.
  public init(
    bank: any ImageDataset, queries: any ImageDataset, size: (any Size2DConvertible)? = nil
  ) {
    self.bank = bank
    self.queries = queries
    self.size = size?.size2D
  }

  /// The share of the queries that the vote of their 20 nearest neighbors classifies, by features
  /// of shape [count, width].
  ///
  /// - Throws: ``NonFiniteFeaturesError`` if a feature is NaN or infinite.
  public func accuracy(_ features: (Tensor) -> Tensor) throws -> Float {
    try WeightedKNN(all(features, of: bank), labels: bank.labels)
      .accuracy(all(features, of: queries), labels: queries.labels)
  }

  /// The same by the features of a learner's network.
  ///
  /// - Throws: ``NonFiniteFeaturesError`` if the training has diverged.
  public func accuracy(of learner: any Learner) throws -> Float {
    try accuracy { learner.embedding(of: $0) }
  }

  /// The share of the queries that their pixels classify, at most 64 by 64 of them.
  ///
  /// - Throws: ``NonFiniteFeaturesError`` if a pixel is NaN or infinite.
  public func accuracyOfPixels() throws -> Float {
    try accuracy { Self.pixels($0, Self.mostPixels) }
  }

  /// The vote of neighbors, and what few labels of each class serve, by features of shape [count,
  /// width]; for a run's end, as the classifiers of few labels take some seconds.
  ///
  /// - Throws: ``NonFiniteFeaturesError`` if a feature is NaN or infinite.
  public func scores(_ features: (Tensor) -> Tensor) throws -> FeatureScores {
    try scores(features, fewLabels: nil)
  }

  /// The same, where classifiers of few labels see other features than the vote, if any are given.
  private func scores(
    _ features: (Tensor) -> Tensor, fewLabels: ((Tensor) -> Tensor)?
  ) throws -> FeatureScores {
    let found = try (bank: all(features, of: bank), queries: all(features, of: queries))
    let fitted = try fewLabels.map { try (bank: all($0, of: bank), queries: all($0, of: queries)) }
    let knn = WeightedKNN(found.bank, labels: bank.labels)
      .accuracy(found.queries, labels: queries.labels)
    // What one judge has used suits no other.
    Memory.releaseUnused()
    return FeatureScores(
      knn: knn,
      fewLabels: fewLabelAccuracies(
        bank: (fitted ?? found).bank, labels: bank.labels, queries: (fitted ?? found).queries,
        queryLabels: queries.labels))
  }

  /// The same by the features of a learner's network.
  ///
  /// - Throws: ``NonFiniteFeaturesError`` if the training has diverged.
  public func scores(of learner: any Learner) throws -> FeatureScores {
    try scores { learner.embedding(of: $0) }
  }

  /// The same by pixels, at most 64 by 64 of them for the vote and 32 by 32 for the classifiers.
  ///
  /// - Throws: ``NonFiniteFeaturesError`` if a pixel is NaN or infinite.
  public func scoresOfPixels() throws -> FeatureScores {
    let size = size ?? Size2D(height: bank.imageShape[0], width: bank.imageShape[1])
    let isSmall = max(size.height, size.width) <= Self.mostFittedPixels
    return try scores(
      { Self.pixels($0, Self.mostPixels) },
      fewLabels: isSmall ? nil : { Self.pixels($0, Self.mostFittedPixels) })
  }

  private static func pixels(_ images: Tensor, _ most: Int) -> Tensor {
    let (height, width) = (images.shape[1], images.shape[2])
    let size = Size2D(height: min(height, most), width: min(width, most))
    return (size == [height, width] ? images : resized(images, to: size)).flattened(from: 1)
  }

  private func all(
    _ features: (Tensor) -> Tensor, of dataset: any ImageDataset
  ) throws -> Tensor {
    let found = dataset.features { images in
      features(size.map { resized(images, to: $0) } ?? images)
    }
    guard found.isFinite else { throw NonFiniteFeaturesError(found) }
    return found
  }
}
