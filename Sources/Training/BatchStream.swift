import Datasets
import SelfSupervised
import Synchronization
import Tensor

/// The losses of a loader's batches, epoch after epoch, with batches and views made ahead.
final class BatchStream {
  /// A batch, and the loss of views that were drawn of it from a stream.
  private struct Drawn: Sendable {
    let batch: Batch
    let stream: RandomStream
    let loss: @Sendable () -> StepLoss
  }

  /// How many batches were taken.
  private(set) var count = 0
  /// The batch that was taken last.
  private(set) var lastBatch: Batch?
  private let learner: any Learner
  private let first: Int
  private let makeSource: (_ number: Int, RandomStream) -> Prefetcher<Result<Drawn, any Error>>
  private var source: Prefetcher<Result<Drawn, any Error>>
  private var formerWaitSeconds = 0.0

  /// - Parameters:
  ///   - learner: What draws views, from streams that follow its own.
  ///   - loader: Where batches come from.
  ///   - first: The number of the first batch.
  ///   - ahead: How many batches are made ahead.
  ///   - chunkSize: How many images are in the network at once; losses are differentiated already
  ///     then.
  init(
    _ learner: any Learner, _ loader: DataLoader, from first: Int, ahead: Int, chunkSize: Int? = nil
  ) {
    self.learner = learner
    self.first = first
    let draw = chunkSize.map { Self.drawingChunked(learner, $0) } ?? Self.drawing(learner)
    makeSource = { number, stream in
      let streams = SplitStreams(stream, from: number)
      return Prefetcher(from: number, ahead: ahead) { number in
        Result { draw(try loader.loadedBatch(at: number), streams[number]) }
      }
    }
    source = makeSource(first, learner.stream)
  }

  /// How long ``next()`` has waited for batches.
  var waitSeconds: Double { formerWaitSeconds + source.waitSeconds }

  /// The loss of the next batch; moves the learner's stream as drawing its views does.
  ///
  /// - Throws: Why its images cannot be read.
  func next() throws -> StepLoss { try take().loss() }

  /// Passes over the next batch, as if it had been taken.
  func pass() throws { _ = try take() }

  private func take() throws -> Drawn {
    var (drawn, stream) = (try source.next().get(), learner.stream)
    if stream.split() != drawn.stream {
      // Something else, such as a callback, has drawn from the learner's stream in between.
      formerWaitSeconds = waitSeconds
      source = makeSource(first + count, learner.stream)
      drawn = try source.next().get()
    }
    learner.stream = stream
    count += 1
    lastBatch = drawn.batch
    return drawn
  }

  private static func drawing<L: Learner>(
    _ learner: L
  ) -> @Sendable (Batch, RandomStream) -> Drawn {
    drawing(learner) { learner, views, batch in
      learner.stepLoss(of: views, labels: batch.labels.isEmpty ? nil : batch.labels)
    }
  }

  private static func drawingChunked(
    _ learner: any Learner, _ chunkSize: Int
  ) -> @Sendable (Batch, RandomStream) -> Drawn {
    func drawing<L: ChunkedLearner>(_ learner: L) -> @Sendable (Batch, RandomStream) -> Drawn {
      Self.drawing(learner) { learner, views, _ in learner.backward(views, chunkSize: chunkSize) }
    }
    guard let learner = learner as? any ChunkedLearner else {
      preconditionFailure(
        "a chunkSize needs a learner whose loss is one of two views' projections; got "
          + "\(type(of: learner))")
    }
    return drawing(learner)
  }

  private static func drawing<L: Learner>(
    _ learner: L, loss: @escaping @Sendable (L, L.Views, Batch) -> StepLoss
  ) -> @Sendable (Batch, RandomStream) -> Drawn {
    let learner = Unshared(learner)
    return { batch, stream in
      let views = withBatchPart(from: batch.range.lowerBound) {
        learner.value.views(of: batch.images, indices: batch.indices, using: stream)
      }
      return Drawn(batch: batch, stream: stream) { loss(learner.value, views, batch) }
    }
  }
}

// Unchecked: drawing reads what never changes of a learner; losses are computed where the trainer
// is.
private struct Unshared<L>: @unchecked Sendable {
  let value: L

  init(_ value: L) { self.value = value }
}

/// The streams that a stream splits off one after the other, by number; old ones are forgotten.
private final class SplitStreams: Sendable {
  private let state: Mutex<(base: RandomStream, first: Int, streams: [RandomStream])>

  init(_ base: RandomStream, from first: Int) { state = Mutex((base, first, [])) }

  subscript(number: Int) -> RandomStream {
    state.withLock { state in
      while state.streams.count <= number - state.first {
        state.streams.append(state.base.split())
      }
      let stream = state.streams[number - state.first]
      if state.streams.count > 4_096 {
        state.streams.removeFirst(2_048)
        state.first += 2_048
      }
      return stream
    }
  }
}
