import Nets
import SelfSupervised
import Tensor

/// How much memory the steps of a training will take, measured on a few images before the first.
package struct StepMemory {
  /// The bytes that a step of the whole batch holds at most, beside weights and data.
  package let bytes: Int

  /// Runs losses of two and of four images, whose difference tells what each further image takes; of
  /// two alone where a batch has fewer than four.
  ///
  /// Nothing of the learner changes.
  ///
  /// - Parameters:
  ///   - learner: What will be trained.
  ///   - images: At least four images: shape [count, height, width, channels].
  ///   - batchSize: The number of images of a step.
  package init(of learner: any Learner, images: Tensor, batchSize: Int) {
    let (streams, statistics) = (learner.randomStreams, learner.runningStatistics)
    defer {
      learner.discardStep()
      learner.randomStreams = streams
      learner.runningStatistics = statistics
    }
    // The first one fills caches of packed weights, which stay.
    _ = Self.liveBytes(of: learner, images[0..<2])
    let few = Self.liveBytes(of: learner, images[0..<2])
    let more = batchSize < 4 ? 2 * few : Self.liveBytes(of: learner, images[0..<4])
    let each = max(0, more - few) / 2
    bytes = max(0, few - 2 * each) + each * batchSize
  }

  /// What the graph of a loss keeps for its gradients.
  private static func liveBytes(of learner: any Learner, _ images: Tensor) -> Int {
    func keep(_ learner: some Learner) -> Int {
      let views = learner.views(
        of: images, indices: Array(0..<images.shape[0]), using: nil)
      let before = Memory.usage.liveBytes
      let loss = learner.stepLoss(of: views)
      return withExtendedLifetime(loss) { Memory.usage.liveBytes - before }
    }
    return keep(learner)
  }
}
