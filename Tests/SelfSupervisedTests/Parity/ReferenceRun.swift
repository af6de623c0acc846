import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// A learner with the numbers that `Fixtures/byol.py` gave the reference.
struct ReferenceRun {
  enum Kind: String {
    case joint, separate, simplicial, simsiam
  }

  let learner: BYOL

  /// The target begins with other numbers than the network, so that a confusion of the two shows.
  init(_ kind: Kind, _ net: any Module, size: Size2D) throws {
    learner = BYOL(
      net, imageSize: size, hiddenLayer: "avgpool", projectionSize: 32, projectionHiddenSize: 64,
      useMomentum: kind != .simsiam,
      viewBatching: kind == .joint || kind == .simplicial ? .joint : .separate,
      simplicialEmbedding: kind == .simplicial ? .init() : nil)
    if let target = learner.target {
      try Formula.fill(learner.net, prefix: "target.net.")
      try Formula.fill(learner.projector, prefix: "target.projector.")
      target.reset()
    }
    for (name, module) in parts { try Formula.fill(module, prefix: name + ".") }
  }

  static func smallNet() -> ResNet {
    ResNet(
      isBottleneck: false, depths: [1, 1, 1, 1], stem: .small, width: 6, classCount: 10)
  }

  var parts: [(name: String, module: any Module)] {
    [("net", learner.net), ("projector", learner.projector), ("predictor", learner.predictor)]
  }

  /// Gradients in torch's layout, by name; none for parameters that got none.
  var gradients: [String: [Float]] {
    var found: [String: [Float]] = [:]
    for (part, module) in parts {
      for (name, parameter) in module.namedParameters {
        guard let gradient = parameter.gradient else { continue }
        let isKernel = parameter.layout == .channelsFirst
        found["\(part).\(name)"] = (isKernel ? gradient.permuted([0, 3, 1, 2]) : gradient).scalars
      }
    }
    return found
  }

  /// Running statistics of the network and of the target, by name.
  var runningStatistics: [String: [Float]] {
    var found: [String: [Float]] = [:]
    func gather(_ prefix: String) {
      for (part, module) in parts.dropLast() {
        for (name, buffer) in module.namedBuffers where buffer.elementType == .float32 {
          found["\(prefix)\(part).\(name)"] = buffer.value.scalars
        }
      }
    }
    gather("")
    learner.target.map { target in target { gather("target.") } }
    return found
  }

  /// The target's numbers in torch's layout, by name.
  var targetValues: [String: [Float]] {
    var found: [String: [Float]] = [:]
    learner.target.map { target in
      target {
        for (part, module) in parts.dropLast() {
          let names = Set(module.namedParameters.map(\.name))
          for entry in module.state.entries where names.contains(entry.name) {
            found["\(part).\(entry.name)"] = entry.value.scalars
          }
        }
      }
    }
    return found
  }
}
