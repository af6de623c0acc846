import Nets
import Tensor

@testable import SelfSupervised

/// The references of `Fixtures/byol.py`.
enum BYOLReference: String {
  case joint, separate, simplicial, normalized, simsiam

  func run(_ net: any Module, size: Size2D) throws -> ReferenceRun<BYOLMethod> {
    try ReferenceRun(
      BYOL(
        net, imageSize: size, hiddenLayer: "avgpool", projectionSize: 32, projectionHiddenSize: 64,
        normalizesProjections: self == .normalized, useMomentum: self != .simsiam,
        viewBatching: self == .joint || self == .simplicial ? .joint : .separate,
        simplicialEmbedding: self == .simplicial ? .init() : nil))
  }
}
