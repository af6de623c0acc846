import Tensor

/// Some images of a data set, with their labels and where they came from.
public struct Batch: Sendable {
  /// Shape [count, height, width, channels], values 0...1.
  public let images: Tensor
  /// The label of each image; empty when the data set is unlabelled.
  public let labels: [Int]
  /// Where each image is in the data set.
  public let indices: [Int]
}

/// Cuts a data set into batches, epoch after epoch.
///
/// The order of an epoch is a function of the seed and the number of the epoch alone, so a run that
/// is resumed sees the batches it would have seen:
///
/// ```swift
/// let loader = DataLoader(dataset, batchSize: 64, shuffled: true, dropsLast: true, seed: 0)
/// for batch in loader.epoch(3).dropFirst(100) { … }   // computes none of the first hundred
/// ```
public struct DataLoader: Sendable {
  /// Where the images come from.
  public let dataset: any ImageDataset
  /// The number of images in a batch; the last one may be smaller.
  public let batchSize: Int
  /// Whether every epoch has an order of its own, rather than that of the data set.
  public let isShuffled: Bool
  /// Whether a last batch that would be smaller than the others is left out.
  public let dropsLast: Bool
  /// What the orders of all epochs are drawn from.
  public let seed: UInt64

  /// A loader of `dataset`.
  ///
  /// - Precondition: `batchSize` is at least 1, and with `dropsLast` there is at least one whole batch.
  public init(
    _ dataset: any ImageDataset, batchSize: Int, shuffled: Bool = false, dropsLast: Bool = false,
    seed: UInt64 = 0
  ) {
    precondition(batchSize >= 1, "DataLoader needs a batchSize of at least 1; got \(batchSize)")
    precondition(
      !dropsLast || dataset.count >= batchSize,
      "DataLoader needs at least one whole batch where a smaller one is left out; got "
        + "\(dataset.count) images and batches of \(batchSize)")
    self.dataset = dataset
    self.batchSize = batchSize
    isShuffled = shuffled
    self.dropsLast = dropsLast
    self.seed = seed
  }

  /// The number of batches in an epoch.
  public var batchCount: Int {
    dropsLast ? dataset.count / batchSize : (dataset.count + batchSize - 1) / batchSize
  }

  /// The batches of one epoch, each made when it is reached.
  ///
  /// - Precondition: `epoch` is not negative.
  public func epoch(_ epoch: Int) -> Epoch {
    precondition(epoch >= 0, "DataLoader needs an epoch of 0 or more; got \(epoch)")
    var stream = RandomStream(seed: seed).split(epoch)
    let order = isShuffled ? stream.permutation(dataset.count) : Array(0..<dataset.count)
    return Epoch(loader: self, order: order)
  }
}

extension DataLoader {
  /// The batches of one epoch after the other without an end, from the one of `step` on.
  ///
  /// ```swift
  /// for (step, batch) in zip(0..<1_000, loader.batches()) { … }
  /// ```
  ///
  /// - Precondition: `step` is not negative, and the data set is not empty.
  public func batches(from step: Int = 0) -> Batches {
    precondition(
      step >= 0 && batchCount > 0,
      "batches needs a step of 0 or more and a data set that is not empty; got \(step) and "
        + "\(dataset.count) images")
    return Batches(loader: self, step: step)
  }

  /// The batches of all epochs.
  public struct Batches: Sequence, IteratorProtocol, Sendable {
    private let loader: DataLoader
    private var step: Int
    private var epoch: Epoch

    fileprivate init(loader: DataLoader, step: Int) {
      self.loader = loader
      self.step = step
      epoch = loader.epoch(step / loader.batchCount)
    }

    /// Makes the next batch.
    public mutating func next() -> Batch? { nextBatch() }

    /// Makes the next batch, of which there is always one.
    public mutating func nextBatch() -> Batch {
      let position = step % loader.batchCount
      if position == 0 { epoch = loader.epoch(step / loader.batchCount) }
      step += 1
      return epoch[position]
    }
  }

  /// The batches of one pass over the data.
  public struct Epoch: RandomAccessCollection, Sendable {
    let loader: DataLoader
    /// The index of every image in the order of this epoch, those of a dropped batch included.
    public let order: [Int]

    /// The first batch.
    public var startIndex: Int { 0 }

    /// One past the last batch.
    public var endIndex: Int { loader.batchCount }

    /// Makes one batch.
    public subscript(position: Int) -> Batch {
      precondition(
        position >= 0 && position < endIndex,
        "Epoch needs a batch in 0..<\(endIndex); got \(position)")
      let start = position * loader.batchSize
      let indices = Array(order[start..<Swift.min(start + loader.batchSize, order.count)])
      let labels = loader.dataset.labels
      return Batch(
        images: loader.dataset.images(at: indices),
        labels: labels.isEmpty ? [] : indices.map { labels[$0] }, indices: indices)
    }
  }
}
