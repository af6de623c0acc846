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

  /// How many images are looked at.
  public static let mostImages = 2_000
  /// How many neighbors of an image are compared.
  private static let neighborCount = 10

  /// An evaluator that looks at the first 2,000 of `images` at `size`, or as they are.
  ///
  /// - Precondition: There are two images or more, which are better not trained on.
  public init(_ images: any ImageDataset, size: (any Size2DConvertible)? = nil) {
    precondition(
      images.count > 1, "LabelFreeEvaluator needs two images or more; got \(images.count)")
    self.images = images.first(min(images.count, Self.mostImages))
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
    let plain = try features(of: learner) { images, _ in sized(images) }
    let views = try (0..<2).flatMap { draw in
      try [\ViewPair.first, \.second].map { view in
        try features(of: learner) { images, stream in
          learner.views(of: images, using: stream.split(draw)).pair[keyPath: view]
        }
      }
    }
    let turned = try (1..<4).map { quarters in
      try features(of: learner) { images, _ in sized(images).turned(quarters) }
    }
    let neighbors = nearestNeighbors(of: plain.embedding, k: Self.neighborCount)
    let (a, b) = (views[0], views[1])
    return (
      Metrics([
        ("alignment", alignment(a.embedding, b.embedding)),
        ("uniformity", uniformity(plain.embedding)),
        ("feature_rank", effectiveRank(plain.embedding, mostRows: count)),
        ("projection_rank", effectiveRank(plain.projection, mostRows: count)),
        ("lidar", lidar(views.map(\.embedding))),
        ("projection_lidar", lidar(views.map(\.projection))),
        ("view_retrieval", contrastiveAccuracy(a.embedding, b.embedding)),
        ("projection_retrieval", contrastiveAccuracy(a.projection, b.projection)),
        ("rotation_accuracy", rotationAccuracy([plain.embedding] + turned.map(\.embedding))),
        (
          "view_neighbors",
          neighborOverlap(
            nearestNeighbors(of: a.embedding, k: Self.neighborCount),
            nearestNeighbors(of: b.embedding, k: Self.neighborCount))
        ),
        ("neighbor_stability", former.map { neighborOverlap($0, neighbors) } ?? .nan),
      ]), neighbors
    )
  }

  private func sized(_ images: Tensor) -> Tensor { size.map { resized(images, to: $0) } ?? images }

  /// What a learner makes of all images, of which `input` makes what it sees; each part of them
  /// draws from a stream of its own, the same at each evaluation.
  private func features(
    of learner: any Learner, _ input: (Tensor, RandomStream) -> Tensor
  ) throws -> Representation {
    let batch = max(2, min(256, (1 << 24) / max(1, images.imageShape.elementCount)))
    let parts = stride(from: 0, to: count, by: batch).map { start in
      learner.represent(
        input(
          images.images(in: start..<min(start + batch, count)),
          RandomStream(seed: 0).split(start)))
    }
    let result = Representation(
      projection: concatenated(parts.map(\.projection)),
      embedding: concatenated(parts.map(\.embedding)))
    guard result.embedding.isFinite else { throw NonFiniteFeaturesError(result.embedding) }
    return result
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
