import Synchronization
import Tensor

/// Some images of a data set, with their labels and where they came from.
public struct Batch: Sendable {
  /// Shape [count, height, width, channels], values 0...1.
  public let images: Tensor
  /// The label of each image; empty when the data set is unlabeled.
  public let labels: [Int]
  /// Where each image is in the data set.
  public let indices: [Int]
  /// Where these images are in the whole batch, which several processes may share.
  public let range: Range<Int>
  /// How many images the whole batch has.
  public let wholeCount: Int
}

/// Cuts a data set into batches, epoch after epoch.
///
/// The order of an epoch is a function of the seed and the number of the epoch alone, so a run that
/// is resumed sees the batches it would have seen:
///
/// ```swift
/// let loader = DataLoader(dataset, batchSize: 64, shuffled: true, dropsLast: true, seed: 0)
/// for (step, batch) in zip(300..<1_000, loader.batches(from: 300, ahead: 2)) { … }
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
  /// Which process's slice of every batch is made, and of how many processes.
  public private(set) var part = (rank: 0, size: 1)
  private let orders = OrderCache()

  /// A loader of `dataset`.
  ///
  /// - Precondition: `batchSize` is at least 1, and with `dropsLast` there is at least one whole
  ///   batch.
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

  /// The loader of one process's slices, one behind the other, of the batches that this one makes.
  ///
  /// - Precondition: Each batch has an image for every process, the last one of an epoch too.
  public func part(_ rank: Int, of size: Int) -> DataLoader {
    precondition(
      (0..<size).contains(rank) && smallestBatch >= size,
      "DataLoader needs an image for each process in every batch; got \(smallestBatch) in the smallest "
        + "one, and rank \(rank) of \(size) processes")
    var loader = self
    loader.part = (rank, size)
    return loader
  }

  /// The images of an epoch's smallest batch.
  public var smallestBatch: Int {
    let rest = dataset.count % batchSize
    return dropsLast || rest == 0 ? batchSize : rest
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
    let order = orders.order(of: epoch) {
      var stream = RandomStream(seed: seed).split(epoch)
      return isShuffled ? stream.permutation(dataset.count) : Array(0..<dataset.count)
    }
    return Epoch(loader: self, order: order)
  }

  /// The orders of the two epochs that were asked for last.
  private final class OrderCache: Sendable {
    private let last = Mutex<[(epoch: Int, order: [Int])]>([])

    func order(of epoch: Int, make: () -> [Int]) -> [Int] {
      last.withLock { last in
        if let known = last.first(where: { $0.epoch == epoch }) { return known.order }
        let order = make()
        // Where an epoch ends, threads that work ahead ask for two of them in turn.
        last = last.suffix(1) + [(epoch, order)]
        return order
      }
    }
  }
}

extension DataLoader {
  /// The batches of one epoch after the other without an end, from the one of `step` on.
  ///
  /// ```swift
  /// for (step, batch) in zip(0..<1_000, loader.batches(ahead: 2)) { … }
  /// ```
  ///
  /// - Parameters:
  ///   - step: The number of the first batch.
  ///   - ahead: How many batches are made, at most, before they are asked for, each on a thread of
  ///     its own. With 0, a batch is made when it is asked for, on all threads. The batches are the
  ///     same.
  /// - Returns: An endless sequence. Its threads end when it is released.
  /// - Precondition: No number is negative, and the data set is not empty.
  public func batches(from step: Int = 0, ahead: Int = 0) -> Batches {
    checkStep(step)
    return Batches(
      source: Prefetcher(from: step, ahead: ahead) { step in
        Result { try loadedBatch(at: step) }
      })
  }

  /// Makes the batch of a step, counted through all epochs.
  ///
  /// - Precondition: `step` is not negative, and the data set is not empty.
  public func batch(at step: Int) -> Batch {
    checkStep(step)
    return epoch(step / batchCount)[step % batchCount]
  }

  /// The same batch, or why its images cannot be read.
  package func loadedBatch(at step: Int) throws -> Batch {
    try epoch(step / batchCount).batch(step % batchCount) {
      try loadedImages(of: dataset, at: $0)
    }
  }

  private func checkStep(_ step: Int) {
    precondition(
      step >= 0 && batchCount > 0,
      "DataLoader needs a step of 0 or more and a data set that is not empty; got \(step) and "
        + "\(dataset.count) images")
  }

  /// The batches of all epochs.
  public struct Batches: Sequence, IteratorProtocol, Sendable {
    private let source: Prefetcher<Result<Batch, any Error>>

    fileprivate init(source: Prefetcher<Result<Batch, any Error>>) { self.source = source }

    /// The next batch.
    public mutating func next() -> Batch? { nextBatch() }

    /// The next batch, of which there is always one.
    ///
    /// - Precondition: Its images can be read.
    public mutating func nextBatch() -> Batch {
      do {
        return try nextResult().get()
      } catch {
        preconditionFailure("\(error)")
      }
    }

    func nextResult() -> Result<Batch, any Error> { source.next() }

    /// For how long training has waited for its batches so far.
    public var waitSeconds: Double { source.waitSeconds }
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
      batch(position, images: loader.dataset.images(at:))
    }

    fileprivate func batch(
      _ position: Int, images: ([Int]) throws -> Tensor
    ) rethrows -> Batch {
      precondition(
        position >= 0 && position < endIndex,
        "Epoch needs a batch in 0..<\(endIndex); got \(position)")
      let start = position * loader.batchSize
      let count = Swift.min(loader.batchSize, order.count - start)
      let (rank, size) = loader.part
      let range = count * rank / size..<count * (rank + 1) / size
      let indices = Array(order[start + range.lowerBound..<start + range.upperBound])
      let labels = loader.dataset.labels
      return try Batch(
        images: images(indices),
        labels: labels.isEmpty ? [] : indices.map { labels[$0] }, indices: indices,
        range: range, wholeCount: count)
    }
  }
}
