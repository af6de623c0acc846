import Nets
import Tensor
import TestSupport

@testable import SelfSupervised

/// The references of `Fixtures/byol.py`.
enum BYOLReference: String {
  case joint, separate, simplicial, simsiam

  /// The target begins with other numbers than the network, so that a confusion of the two shows.
  func run(_ net: any Module, size: Size2D) throws -> ReferenceRun<BYOL> {
    let learner = BYOL(
      net, imageSize: size, hiddenLayer: "avgpool", projectionSize: 32, projectionHiddenSize: 64,
      useMomentum: self != .simsiam,
      viewBatching: self == .joint || self == .simplicial ? .joint : .separate,
      simplicialEmbedding: self == .simplicial ? .init() : nil)
    if let target = learner.target {
      try Formula.fill(learner.net, prefix: "target.net.")
      try Formula.fill(learner.projector, prefix: "target.projector.")
      target.reset()
    }
    return try ReferenceRun(learner)
  }
}
