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

  /// A judge that looks up neighbours in `bank` and classifies `queries`.
  package init(bank: any ImageDataset, queries: any ImageDataset) {
    self.bank = (bank.images(in: 0..<bank.count), bank.labels)
    self.queries = (queries.images(in: 0..<queries.count), queries.labels)
  }

  /// The share of the queries that the vote of their 20 nearest neighbours classifies, by features of
  /// shape [count, width].
  package func accuracy(_ features: (Tensor) -> Tensor) -> Float {
    WeightedKNN(chunked(bank.images, features), labels: bank.labels)
      .accuracy(chunked(queries.images, features), labels: queries.labels)
  }

  /// The same by what a learner's network gives now.
  package func accuracy(of learner: some Learner) -> Float {
    accuracy { learner.represent($0).embedding }
  }

  /// Features of a few hundred images at a time, so that memory stays flat.
  private func chunked(_ images: Tensor, _ features: (Tensor) -> Tensor) -> Tensor {
    let count = images.shape[0]
    return concatenated(
      stride(from: 0, to: count, by: 250).map { features(images[$0..<min($0 + 250, count)]) })
  }
}
