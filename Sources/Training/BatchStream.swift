import Datasets
import SelfSupervised
import Tensor

/// The losses of a loader's batches, epoch after epoch, with batches and views made ahead.
final class BatchStream {
  /// How long `next()` has waited for batches.
  private(set) var waitSeconds = 0.0
  /// How many batches were taken.
  private(set) var count = 0
  /// The batch that was taken last.
  private(set) var lastBatch: Batch?
  private let takeNext: () -> (Batch, wait: Double, () -> StepLoss)

  /// The losses of whole batches; with a `chunkSize` they are differentiated already.
  init(
    _ learner: any Learner, _ loader: DataLoader, from first: Int, ahead: Int, chunkSize: Int? = nil
  ) {
    guard let chunkSize else {
      takeNext = Self.source(learner, loader, from: first, ahead: ahead)
      return
    }
    guard let learner = learner as? any ChunkedLearner else {
      preconditionFailure(
        "a chunkSize needs a learner whose loss is one of two views' projections; got "
          + "\(type(of: learner))")
    }
    takeNext = Self.chunkedSource(learner, loader, from: first, ahead: ahead, chunkSize)
  }

  /// The loss of the next batch.
  func next() -> StepLoss {
    let (batch, wait, loss) = takeNext()
    waitSeconds += wait
    count += 1
    lastBatch = batch
    return loss()
  }

  private static func source<L: Learner>(
    _ learner: L, _ loader: DataLoader, from first: Int, ahead: Int
  ) -> () -> (Batch, wait: Double, () -> StepLoss) {
    source(learner, loader, from: first, ahead: ahead) { views, batch in
      learner.stepLoss(of: views, labels: batch.labels.isEmpty ? nil : batch.labels)
    }
  }

  private static func chunkedSource<L: ChunkedLearner>(
    _ learner: L, _ loader: DataLoader, from first: Int, ahead: Int, _ chunkSize: Int
  ) -> () -> (Batch, wait: Double, () -> StepLoss) {
    source(learner, loader, from: first, ahead: ahead) { views, _ in
      learner.backward(views, chunkSize: chunkSize)
    }
  }

  private static func source<L: Learner>(
    _ learner: L, _ loader: DataLoader, from first: Int, ahead: Int,
    loss: @escaping (L.Views, Batch) -> StepLoss
  ) -> () -> (Batch, wait: Double, () -> StepLoss) {
    var batches = loader.batches(from: first)
    return {
      let start = ContinuousClock.now
      let batch = batches.nextBatch()
      let views = learner.views(of: batch.images, using: learner.stream.split())
      let wait = (ContinuousClock.now - start) / .seconds(1)
      return (batch, wait, { loss(views, batch) })
    }
  }
}
