import Nets
import SelfSupervised

/// The optimizers a run can choose from.
public enum OptimizerKind: String, CaseIterable, Sendable {
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
public struct OptimizerChoice: Sendable {
  /// Which one.
  public var kind: OptimizerKind
  /// The highest step size.
  public var learningRate: Float
  /// Of weights alone: biases and norms do not decay.
  public var weightDecay: Float

  /// What vision transformers learn with: AdamW at half of its usual rate, by the sweep in
  /// <doc:RecipesThatWork> of `SelfSupervised`.
  public static let transformer = OptimizerChoice(
    kind: .adamw, learningRate: 5e-4, weightDecay: 0.01)

  /// An optimizer and its settings.
  public init(kind: OptimizerKind, learningRate: Float, weightDecay: Float) {
    (self.kind, self.learningRate, self.weightDecay) = (kind, learningRate, weightDecay)
  }

  /// An optimizer of these groups.
  func optimizer(of groups: [ParameterGroup]) -> any Optimizer {
    switch kind {
    case .sgd: SGD(groups, learningRate: learningRate, momentum: 0.9)
    case .adam: Adam(groups, learningRate: learningRate)
    case .adamw: AdamW(groups, learningRate: learningRate)
    }
  }
}
