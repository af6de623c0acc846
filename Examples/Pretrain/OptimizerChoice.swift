import SelfSupervised

/// The optimizers a run can choose from.
enum OptimizerKind: String, CaseIterable {
  case sgd, adam, adamw

  /// What is usual where nothing better is known; the decays are torch's.
  var usual: OptimizerChoice {
    switch self {
    case .sgd: OptimizerChoice(kind: self, learningRate: 0.1, weightDecay: 0)
    case .adam: OptimizerChoice(kind: self, learningRate: 1e-3, weightDecay: 0)
    case .adamw: OptimizerChoice(kind: self, learningRate: 1e-3, weightDecay: 0.01)
    }
  }
}

/// An optimizer and its settings.
struct OptimizerChoice {
  let kind: OptimizerKind
  /// The highest step size.
  var learningRate: Float
  /// Of weights alone: biases and norms do not decay.
  var weightDecay: Float

  /// An optimizer of all that a learner trains.
  func optimizer(of learner: any Learner) -> any Optimizer {
    let groups = groups(of: learner)
    return switch kind {
    case .sgd: SGD(groups, learningRate: learningRate, momentum: 0.9)
    case .adam: Adam(groups, learningRate: learningRate)
    case .adamw: AdamW(groups, learningRate: learningRate)
    }
  }

  /// SimSiam's predictor keeps its rate, as its paper has it: here the schedule's highest.
  private func groups(of learner: any Learner) -> [ParameterGroup] {
    guard let learner = learner as? BYOL, learner.target == nil else {
      return learner.parameterGroups(weightDecay: weightDecay)
    }
    return learner.parameterGroups(
      weightDecay: weightDecay, predictorLearningRate: learningRate)
  }
}
