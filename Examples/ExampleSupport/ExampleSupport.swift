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

extension DataLoader {
  /// The batch of a step, counted from zero through all epochs.
  package func batch(_ step: Int) -> Batch { epoch(step / batchCount)[step % batchCount] }
}

/// Labelled images that judge features which were learnt without labels.
package struct Judge {
  private let bank: (images: Tensor, labels: [Int])
  private let queries: (images: Tensor, labels: [Int])

  /// A judge that looks up neighbours in `bank` and classifies `queries`, both at `size`, or as they
  /// are.
  package init(bank: any ImageDataset, queries: any ImageDataset, size: Size2D? = nil) {
    func images(_ dataset: any ImageDataset) -> Tensor {
      let images = dataset.images(in: 0..<dataset.count)
      return size.map { resized(images, to: $0) } ?? images
    }
    self.bank = (images(bank), bank.labels)
    self.queries = (images(queries), queries.labels)
  }

  /// The share of the queries that the vote of their 20 nearest neighbours classifies, by features of
  /// shape [count, width].
  package func accuracy(_ features: (Tensor) -> Tensor) -> Float {
    WeightedKNN(features(bank.images), labels: bank.labels)
      .accuracy(features(queries.images), labels: queries.labels)
  }

  /// The same by what a learner's network gives now.
  package func accuracy(of learner: any Learner) -> Float {
    accuracy { learner.represent($0).embedding }
  }

  /// The share of the queries that their pixels classify.
  package func accuracyOfPixels() -> Float { accuracy { $0.flattened(from: 1) } }
}
