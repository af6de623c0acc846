import Nets
import SelfSupervised

/// The optimizers a run can choose from.
package enum OptimizerKind: String, CaseIterable, Sendable {
  case sgd, adam, adamw

  /// What is usual where nothing better is known; the decays are torch's.
  package var usual: OptimizerChoice {
    switch self {
    case .sgd: OptimizerChoice(kind: self, learningRate: 0.1, weightDecay: 0)
    case .adam: OptimizerChoice(kind: self, learningRate: 1e-3, weightDecay: 0)
    case .adamw: OptimizerChoice(kind: self, learningRate: 1e-3, weightDecay: 0.01)
    }
  }
}

/// An optimizer and its settings.
package struct OptimizerChoice: Sendable {
  package let kind: OptimizerKind
  /// The highest step size.
  package var learningRate: Float
  /// Of weights alone: biases and norms do not decay.
  package var weightDecay: Float

  /// An optimizer of all that a learner trains.
  package func optimizer(of learner: any Learner) -> any Optimizer {
    optimizer(of: learner.parameterGroups(weightDecay: weightDecay))
  }

  /// The same for a SimSiam, whose predictor keeps its rate, as in its paper: here the schedule's
  /// highest.
  package func optimizer(of learner: SimSiam) -> any Optimizer {
    optimizer(
      of: learner.parameterGroups(weightDecay: weightDecay, predictorLearningRate: learningRate))
  }

  private func optimizer(of groups: [ParameterGroup]) -> any Optimizer {
    switch kind {
    case .sgd: SGD(groups, learningRate: learningRate, momentum: 0.9)
    case .adam: Adam(groups, learningRate: learningRate)
    case .adamw: AdamW(groups, learningRate: learningRate)
    }
  }
}
