import Nets
import Tensor
import TestSupport
import XCTest

@testable import SelfSupervised

/// A learner with the numbers that a script of `Fixtures` gave its reference.
struct ReferenceRun<M: LearningMethod> {
  let learner: MethodLearner<M>

  /// Fills every part that has weights from the formula, under its name.
  ///
  /// The target begins with other numbers than the network, so that a confusion of the two shows.
  init(_ learner: MethodLearner<M>) throws {
    self.learner = learner
    if let target {
      for (name, module) in averaged { try Formula.fill(module, prefix: "target.\(name).") }
      target.reset()
    }
    for (name, module) in modules { try Formula.fill(module, prefix: name + ".") }
    // The target keeps its own numbers.
    learner.commits.acceptWeights()
  }

  /// The parts that have weights.
  var modules: [(name: String, module: any Module)] {
    learner.namedParts.compactMap { name, part in (part as? any Module).map { (name, $0) } }
      .filter { !$0.1.parameters.isEmpty }
  }

  /// The network, the projectors and the prototypes, whose numbers a target has too.
  private var averaged: [(name: String, module: any Module)] {
    modules.filter {
      ["net", "prototypes"].contains($0.name) || $0.name.lowercased().hasSuffix("projector")
    }
  }

  private var target: TargetNetwork? {
    learner.namedParts.compactMap { $0.part as? TargetNetwork }.first
  }

  /// Gradients in torch's layout, by name; none for parameters that got none.
  var gradients: [String: [Float]] {
    var found: [String: [Float]] = [:]
    for (part, module) in modules {
      for (name, parameter) in module.namedParameters {
        guard let gradient = parameter.gradient else { continue }
        let isKernel = parameter.layout == .channelsFirst
        found["\(part).\(name)"] = (isKernel ? gradient.permuted([0, 3, 1, 2]) : gradient).scalars
      }
    }
    return found
  }

  /// Running statistics by name: of the network and the projectors, also the target's, and of the
  /// predictors if they are wanted.
  func runningStatistics(ofPredictors: Bool = false) -> [String: [Float]] {
    var found: [String: [Float]] = [:]
    func gather(_ prefix: String, _ parts: [(name: String, module: any Module)]) {
      for (part, module) in parts {
        for (name, buffer) in module.namedBuffers where buffer.elementType == .float32 {
          found["\(prefix)\(part).\(name)"] = buffer.value.scalars
        }
      }
    }
    gather("", ofPredictors ? modules : averaged)
    target.map { target in target.withTargetWeights { gather("target.", averaged) } }
    return found
  }

  /// The target's numbers in torch's layout, by name.
  var targetValues: [String: [Float]] {
    var found: [String: [Float]] = [:]
    target.map { target in
      target.withTargetWeights {
        for (part, module) in averaged {
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

extension ResNet {
  /// The network of the references: one block a level and a 3x3 stem.
  static func small() -> ResNet {
    ResNet(
      isBottleneck: false, depths: [1, 1, 1, 1], stem: .small, width: 6, classCount: 10)
  }
}
