import Datasets
import SelfSupervised

/// Judges representations by the vote of nearest neighbours among labelled images.
struct NeighbourJudge {
  private let bank: (images: Tensor, labels: [Int])
  private let queries: (images: Tensor, labels: [Int])

  init(_ source: Source, size: Size2D) {
    func images(_ dataset: any ImageDataset) -> Tensor {
      let images = dataset.images(in: 0..<dataset.count)
      let isRight = images.shape[1] == size.height && images.shape[2] == size.width
      return isRight ? images : resized(images, to: size)
    }
    bank = (images(source.bank), source.bank.labels)
    queries = (images(source.queries), source.queries.labels)
  }

  /// The share of queries that raw pixels classify.
  func rawPixels() -> Float { score { $0.flattened(from: 1) } }

  /// The share of queries that a learner's embeddings classify.
  func score(_ learner: any Learner) -> Float { score { learner.represent($0).embedding } }

  private func score(_ features: (Tensor) -> Tensor) -> Float {
    WeightedKNN(chunked(bank.images, features), labels: bank.labels)
      .accuracy(chunked(queries.images, features), labels: queries.labels)
  }

  /// Features a few hundred images at a time, so that memory stays flat.
  private func chunked(_ images: Tensor, _ features: (Tensor) -> Tensor) -> Tensor {
    let count = images.shape[0]
    return concatenated(
      stride(from: 0, to: count, by: 256).map { features(images[$0..<min($0 + 256, count)]) })
  }
}
