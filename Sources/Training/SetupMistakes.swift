import Nets
import SelfSupervised

/// What is wrong with a training before its numbers show it.
struct SetupMistakes {
  /// One for each mistake, with its remedy.
  let sentences: [String]

  /// Looks at a learner, the optimizer that should move it and the number of its images.
  init(_ learner: some Learner, _ optimizer: any Optimizer, imageCount: Int?) {
    sentences = [
      Self.unmoved(learner, optimizer), Self.evaluation(learner),
      Self.memory(learner, imageCount),
    ].compactMap { $0 }
  }

  /// Heads or a network that the optimizer does not have.
  private static func unmoved(_ learner: some Learner, _ optimizer: any Optimizer) -> String? {
    let moved = Set(optimizer.groups.flatMap(\.parameters).map(ObjectIdentifier.init))
    func unmoved(_ parameters: [Parameter]) -> (all: Int, missing: Int) {
      let trainable = parameters.filter(\.isTrainable)
      return (
        trainable.count, trainable.count(where: { !moved.contains(ObjectIdentifier($0)) })
      )
    }
    let net = Set(learner.net.parameters.map(ObjectIdentifier.init))
    let heads = unmoved(learner.parameters.filter { !net.contains(ObjectIdentifier($0)) })
    let remedy = "make it of learner.parameters, after the learner"
    if heads.missing > 0 {
      return
        "the optimizer lacks \(heads.missing) of the \(heads.all) parameters of the heads behind "
        + "the network, which will never move; \(remedy)"
    }
    // Some of a network's may be left out on purpose.
    let (all, missing) = unmoved(learner.net.parameters)
    guard all > 0, missing == all else { return nil }
    return "the optimizer has none of the network's \(all) parameters, which will never move; "
      + remedy
  }

  private static func evaluation(_ learner: some Learner) -> String? {
    guard learner.mode == .training else {
      return "the learner is in evaluation mode, in which targets and memories do not follow; call "
        + "learner.train() before the first step"
    }
    let layers = learner.net.modeDependents.filter { ($0 as? BatchNorm)?.isFrozen != true }
    guard !layers.isEmpty, layers.allSatisfy({ $0.mode == .evaluation }) else { return nil }
    return "the network is in evaluation mode, in which batch norms keep their statistics; call "
      + "learner.train() before the first step, or set isFrozen of norms that shall keep them"
  }

  private static func memory(_ learner: some Learner, _ imageCount: Int?) -> String? {
    guard let imageCount, let queue = (learner as? MoCo)?.parts.queue, queue.capacity >= imageCount
    else { return nil }
    return
      "MoCo's queue of \(queue.capacity) keys is not smaller than the \(imageCount) images, so that "
      + "keys of the query's own image are among its negatives; give a queueSize below that"
  }
}
