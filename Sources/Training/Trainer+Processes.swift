import Datasets
import Foundation
import Nets
import SelfSupervised
import Tensor

// What the processes of a training tell each other besides gradients.

extension Trainer {
  /// Takes learner, optimizer and progress of the first process.
  ///
  /// - Throws: ``ProcessGroupError`` if this one's are of other names or shapes.
  func takeStateOfFirst() throws {
    guard !group.isSingle else { return }
    let state = try checkpoint().state
    let shapes = group.allGather(
      state.entries.map { "\($0.name) \($0.value.shape)" }.joined(separator: "\n"))
    if let rank = shapes.firstIndex(where: { $0 != shapes[0] }) {
      throw ProcessGroupError(
        "rank \(rank) trains a network, a method or an optimizer of other shapes than rank 0")
    }
    let notes = group.broadcast(Array(try JSONEncoder().encode(state.metadata)))
    let metadata = try JSONDecoder().decode([String: String].self, from: Data(notes))
    let entries = state.entries.map { entry in
      StateDict.Entry(entry.name, ofFirst(entry.value), elementType: entry.elementType)
    }
    guard !group.isFirst else { return }
    try restore(Checkpoint(StateDict(entries, metadata: metadata), path: "rank 0"))
  }

  private func ofFirst(_ value: Tensor) -> Tensor {
    Tensor(shape: value.shape) { out in
      value.withUnsafeBufferPointer { _ = out.update(fromContentsOf: $0) }
      group.broadcast(UnsafeMutableRawBufferPointer(out))
    }
  }

  /// The first process's reason to stop, after its callbacks; its random streams too, if callbacks
  /// have drawn from them.
  func followFirst(
    _ stopReason: String?, _ streams: [String: RandomStream]
  ) throws -> String? {
    guard !group.isSingle else { return stopReason }
    let hasDrawn = learner.randomStreams != streams
    let news = group.numbersOfFirst([stopReason == nil ? 0 : 1, hasDrawn ? 1 : 0])
    if news[1] == 1 {
      let note = group.broadcast(Array(try JSONEncoder().encode(learner.randomStreams)))
      learner.randomStreams = try JSONDecoder().decode(
        [String: RandomStream].self, from: Data(note))
    }
    guard news[0] == 1 else { return nil }
    return String(decoding: group.broadcast(Array((stopReason ?? "").utf8)), as: UTF8.self)
  }

  /// Throws ``ProcessGroupError`` if weights or running statistics differ between processes, which
  /// nothing else would tell.
  func compareWeights(isLast: Bool) throws {
    guard !group.isSingle, isLast || progress.steps.isMultiple(of: comparisonInterval) else {
      return
    }
    var print = Fingerprint()
    for tensor in learner.parameters.map(\.value) + learner.runningStatistics {
      tensor.detached.withUnsafeBufferPointer { print.add(bitsOf: $0) }
    }
    let hashes = group.allGather("\(print)")
    guard let rank = hashes.firstIndex(where: { $0 != hashes[0] }) else { return }
    throw ProcessGroupError(
      "after step \(progress.steps) the weights of rank \(rank) are not those of rank 0: their "
        + "processors may compute by other kernels, which TENSOR_MAX_ISA and OPENBLAS_CORETYPE make "
        + "the same, or a callback has changed one rank's weights")
  }

  /// The loss's statistics and numbers over all processes' images; those of pixels stay this one's.
  func ofAllProcesses(_ loss: StepLoss, _ batch: Batch?) -> StepLoss {
    guard !group.isSingle, let batch else { return loss }
    let share = Double(batch.range.count) / Double(batch.wholeCount)
    let numbers = group.sum(loss.metrics.map { Double($0.value) * share })
    let metrics = zip(loss.metrics, numbers).map { (name: $0.name, value: Float($1)) }
    return StepLoss(
      loss.value, projections: withoutGradients { allGather(loss.projections) },
      pixelProjections: loss.pixelProjections, metrics: Metrics(metrics))
  }

  /// The images of all processes, their labels and where they are in the data set.
  func wholeBatch(_ batch: Batch) -> (images: Tensor, labels: [Int], indices: [Int]) {
    (
      withProcessGroup(group) { withoutGradients { allGather(batch.images) } },
      group.allGatherRows(batch.labels), group.allGatherRows(batch.indices)
    )
  }
}
