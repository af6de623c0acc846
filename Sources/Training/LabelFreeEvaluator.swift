import Datasets
import Foundation
import SelfSupervised
import Tensor

/// Judges features that were learned without labels by images that have none.
///
/// ```swift
/// let judge = LabelFreeEvaluator(heldOut)
/// trainer.callbacks.append(Evaluation(every: .epochs(1)) { try judge.metrics(of: $0) })
/// ```
public struct LabelFreeEvaluator: Sendable {
  private let images: any ImageDataset
  private let size: Size2D?

  /// How many images are looked at, at most.
  public static let mostImages = 2_000
  /// How often each of them goes through the network in an evaluation.
  package static let passes = 6
  /// How many neighbors of an image are compared.
  private static let neighborCount = 10

  /// An evaluator that looks at the first images of a set.
  ///
  /// - Parameters:
  ///   - images: Images that are better not trained on.
  ///   - size: The size at which the network sees them; their own if it is nil.
  ///   - count: How many of them are looked at, at most 2,000.
  /// - Precondition: There are two images or more, and the count is at least 2.
  public init(
    _ images: any ImageDataset, size: (any Size2DConvertible)? = nil, count: Int = mostImages
  ) {
    precondition(
      images.count > 1 && count > 1,
      "LabelFreeEvaluator needs two images or more; got \(images.count) and a count of \(count)")
    self.images = images.first(min(images.count, count, Self.mostImages))
    self.size = size?.size2D
  }

  /// How many images are looked at.
  public var count: Int { images.count }

  /// Numbers of a learner's features.
  ///
  /// - Parameters:
  ///   - learner: What is judged; nothing of it changes.
  ///   - former: The neighbors of an evaluation before, to compare with.
  /// - Returns: The numbers, and each image's neighbors for the next evaluation.
  /// - Throws: ``NonFiniteFeaturesError`` if the training has diverged.
  public func evaluate(
    _ learner: any Learner, former: [[Int]]? = nil
  ) throws -> (metrics: Metrics, neighbors: [[Int]]) {
    // A network may take images of one size alone.
    let angles = isSquare ? [1, 2, 3] : [2]
    let all = try features(of: learner) { images, stream in
      let (plain, pair) = (sized(images), learner.views(of: images, using: stream).pair)
      return [plain, pair.first, pair.second] + angles.map { plain.turned($0) }
    }
    let (plain, views, turned) = (all[0], Array(all[1...2]), all[3...])
    let neighbors = nearestNeighbors(of: plain, k: Self.neighborCount)
    return (
      [
        "rotation_accuracy": rotationAccuracy([plain] + turned),
        "view_neighbors": neighborOverlap(
          nearestNeighbors(of: views[0], k: Self.neighborCount),
          nearestNeighbors(of: views[1], k: Self.neighborCount)),
        "view_retrieval": contrastiveAccuracy(views[0], views[1]),
        "alignment": alignment(views[0], views[1]), "uniformity": uniformity(plain),
        "feature_rank": effectiveRank(plain, mostRows: count), "lidar": lidar(views),
        "neighbor_stability": former.map { neighborOverlap($0, neighbors) } ?? .nan,
        "evaluated_images": Float(count),
      ], neighbors
    )
  }

  /// How many images go through a network at a time: looking must not need more memory than steps
  /// of few images do.
  package static func batchSize(of images: any ImageDataset) -> Int {
    max(2, min(256, (1 << 22) / max(1, images.imageShape.elementCount)))
  }

  private var isSquare: Bool {
    let size = size ?? Size2D(height: images.imageShape[0], width: images.imageShape[1])
    return size.height == size.width
  }

  private func sized(_ images: Tensor) -> Tensor { size.map { resized(images, to: $0) } ?? images }

  /// What a learner makes of all images, of which `inputs` makes what it sees, in several ways; each
  /// part of them draws from a stream of its own, the same at each evaluation.
  private func features(
    of learner: any Learner, _ inputs: (Tensor, RandomStream) -> [Tensor]
  ) throws -> [Tensor] {
    let batch = Self.batchSize(of: images)
    let parts = stride(from: 0, to: count, by: batch).map { start in
      inputs(
        images.images(in: start..<min(start + batch, count)), RandomStream(seed: 0).split(start)
      ).map { learner.embedding(of: $0) }
    }
    return try parts[0].indices.map { way in
      let features = concatenated(parts.map { $0[way] })
      guard features.isFinite else { throw NonFiniteFeaturesError(features) }
      return features
    }
  }
}

extension Tensor {
  /// Images [count, height, width, channels] turned by quarters of a full turn.
  fileprivate func turned(_ quarters: Int) -> Tensor {
    switch quarters {
    case 1: permuted([0, 2, 1, 3]).flipped([1])
    case 2: flipped([1, 2])
    default: permuted([0, 2, 1, 3]).flipped([2])
    }
  }
}
