// What the examples share, so that each shows its method and little else.
import Datasets
import Foundation
import SelfSupervised

/// How many steps the command line's first word asks for.
package func stepCount(standard: Int) -> Int {
  guard let word = CommandLine.arguments.dropFirst().first else { return standard }
  guard let steps = Int(word), steps > 0 else {
    FileHandle.standardError.write(Data("needs a number of steps; got \"\(word)\"\n".utf8))
    exit(64)
  }
  return steps
}

/// Labelled images that judge features which were learnt without labels.
package struct Judge {
  private let bank: any ImageDataset
  private let queries: any ImageDataset
  private let size: Size2D?

  /// The height and width from which on pixels are compared at a smaller size.
  private static let mostPixels = 64

  /// A judge that looks up neighbours in `bank` and classifies `queries`, both at `size`, or as they
  /// are.
  package init(bank: any ImageDataset, queries: any ImageDataset, size: Size2D? = nil) {
    self.bank = bank
    self.queries = queries
    self.size = size
  }

  /// The share of the queries that the vote of their 20 nearest neighbours classifies, by features of
  /// shape [count, width].
  package func accuracy(_ features: (Tensor) -> Tensor) -> Float {
    WeightedKNN(all(features, of: bank), labels: bank.labels)
      .accuracy(all(features, of: queries), labels: queries.labels)
  }

  /// The same by what a learner's network gives now.
  package func accuracy(of learner: any Learner) -> Float {
    accuracy { learner.represent($0).embedding }
  }

  /// The share of the queries that their pixels classify, at most 64 by 64 of them.
  package func accuracyOfPixels() -> Float {
    accuracy { images in
      let (height, width) = (images.shape[1], images.shape[2])
      let size = Size2D(
        height: min(height, Self.mostPixels), width: min(width, Self.mostPixels))
      return (size == [height, width] ? images : resized(images, to: size)).flattened(from: 1)
    }
  }

  private func all(_ features: (Tensor) -> Tensor, of dataset: any ImageDataset) -> Tensor {
    dataset.features { images in features(size.map { resized(images, to: $0) } ?? images) }
  }
}
