import Tensor

/// Adam (Kingma and Ba, 2015), with torch's defaults: weight decay is added to the gradient.
///
/// m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²; w -= rate · m̂ / (√v̂ + ε), where m̂ and v̂ are m
/// and v divided by 1 - βᵗ.
public typealias Adam = RuleOptimizer<AdamRule<CoupledDecay>>

/// Adam with weight decay that does not go through the moments (Loshchilov and Hutter, 2019).
///
/// w -= rate · decay · w before Adam's step; 0.01 is torch's default.
public typealias AdamW = RuleOptimizer<AdamRule<DecoupledDecay>>

extension RuleOptimizer {
  /// An optimizer of the given groups.
  ///
  /// - Precondition: The betas are at least 0 and below 1.
  public convenience init<Decay>(
    _ groups: [ParameterGroup], learningRate: Float = 1e-3, betas: (Float, Float) = (0.9, 0.999),
    epsilon: Float = 1e-8
  ) where Rule == AdamRule<Decay> {
    precondition(
      (0..<1).contains(betas.0) && (0..<1).contains(betas.1),
      "Adam needs betas of at least 0 and below 1; got \(betas)")
    self.init(Rule(betas: betas, epsilon: epsilon), groups, learningRate: learningRate)
  }

  /// An optimizer of parameters that are all treated alike.
  ///
  /// The weight decay is torch's if it is nil: 0 for ``Adam``, 0.01 for ``AdamW``.
  public convenience init<Decay>(
    _ parameters: [Parameter], learningRate: Float = 1e-3, betas: (Float, Float) = (0.9, 0.999),
    epsilon: Float = 1e-8, weightDecay: Float? = nil
  ) where Rule == AdamRule<Decay> {
    let group = ParameterGroup(
      parameters, weightDecay: weightDecay ?? (Rule.isDecoupled ? 0.01 : 0))
    self.init([group], learningRate: learningRate, betas: betas, epsilon: epsilon)
  }
}

/// The decay of ``Adam``: added to the gradient.
public enum CoupledDecay {}

/// The decay of ``AdamW``: taken from the weights.
public enum DecoupledDecay {}

/// The formula of ``Adam`` and ``AdamW``.
public struct AdamRule<Decay>: UpdateRule {
  static var isDecoupled: Bool { Decay.self == DecoupledDecay.self }

  let betas: (Float, Float)
  let epsilon: Float
  let name = isDecoupled ? "AdamW" : "Adam"
  let usualHighestRate: Float = 0.005
  let tensorNames = ["first", "second"]
  let savesSteps = true

  func update(
    _ parameter: Parameter, gradient: Tensor, rate: Float, group: ParameterGroup,
    state: inout ParameterState
  ) {
    let settings = AdamSettings(
      learningRate: rate, betas: betas, epsilon: epsilon, weightDecay: group.weightDecay,
      isDecoupled: Self.isDecoupled, step: state.steps)
    state.tensors.withUnsafeMutableBufferPointer { moments in
      adamStep(
        parameter, gradient: gradient, first: &moments[0], second: &moments[1], settings: settings)
    }
  }
}
