import SelfSupervised

/// The optimizers a run can choose from.
enum OptimizerKind: String, CaseIterable {
  case sgd, adam, adamw

  /// The highest step size if nothing better is known.
  var usualLearningRate: Float { self == .sgd ? 0.1 : 1e-3 }

  /// An optimizer of all that a learner trains; biases and norms do not decay.
  func optimizer(
    of learner: any Learner, learningRate: Float, weightDecay: Float
  ) -> any Optimizer {
    let groups = learner.parameterGroups(weightDecay: weightDecay)
    return switch self {
    case .sgd: SGD(groups, learningRate: learningRate, momentum: 0.9)
    case .adam: Adam(groups, learningRate: learningRate)
    case .adamw: AdamW(groups, learningRate: learningRate)
    }
  }
}
