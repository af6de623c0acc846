import Tensor

/// Adam (Kingma and Ba, 2015), with torch's defaults: weight decay is added to the gradient.
///
/// m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²; w -= rate · m̂ / (√v̂ + ε), with m̂ and v̂ divided by
/// 1 - βᵗ.
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
    self.init(AdamRule(betas: betas, epsilon: epsilon), groups, learningRate: learningRate)
  }

  /// An optimizer of parameters that are all treated alike.
  public convenience init<Decay>(
    _ parameters: [Parameter], learningRate: Float = 1e-3, betas: (Float, Float) = (0.9, 0.999),
    epsilon: Float = 1e-8, weightDecay: Float = Decay.usualWeightDecay
  ) where Rule == AdamRule<Decay> {
    self.init(
      [ParameterGroup(parameters, weightDecay: weightDecay)], learningRate: learningRate,
      betas: betas, epsilon: epsilon)
  }
}

/// Where weight decay enters Adam's formula.
public protocol AdamDecay: Sendable {
  /// The optimizer's name in messages.
  static var name: String { get }
  /// Torch's default.
  static var usualWeightDecay: Float { get }
  /// Whether the decay passes the moments by.
  static var isDecoupled: Bool { get }
}

/// The decay of ``Adam``, which is added to the gradient.
public enum CoupledDecay: AdamDecay {
  /// Adam.
  public static let name = "Adam"
  /// None.
  public static let usualWeightDecay: Float = 0
  /// False.
  public static let isDecoupled = false
}

/// The decay of ``AdamW``, which shrinks the weights directly.
public enum DecoupledDecay: AdamDecay {
  /// AdamW.
  public static let name = "AdamW"
  /// 0.01.
  public static let usualWeightDecay: Float = 0.01
  /// True.
  public static let isDecoupled = true
}

/// The formula of ``Adam`` and ``AdamW``.
public struct AdamRule<Decay: AdamDecay>: UpdateRule {
  /// The shares of the running moments that a step keeps.
  public let betas: (Float, Float)
  /// Added to the denominator.
  public let epsilon: Float

  /// The formula with torch's defaults.
  ///
  /// - Precondition: The betas are at least 0 and below 1.
  public init(betas: (Float, Float) = (0.9, 0.999), epsilon: Float = 1e-8) {
    precondition(
      (0..<1).contains(betas.0) && (0..<1).contains(betas.1),
      "\(Decay.name) needs betas of at least 0 and below 1; got \(betas)")
    self.betas = betas
    self.epsilon = epsilon
  }

  /// Adam or AdamW.
  public var name: String { Decay.name }

  /// 0.005.
  public var usualHighestRate: Float { 0.005 }

  /// The running moments.
  public var tensorNames: [String] { ["first", "second"] }

  /// The steps correct the moments' bias.
  public var savesSteps: Bool { true }

  /// Moves one parameter.
  public func update(
    _ parameter: Parameter, gradient: Tensor, group: ParameterGroup, learningRate: Float,
    state: inout ParameterState
  ) {
    let settings = AdamSettings(
      learningRate: learningRate, betas: betas, epsilon: epsilon, weightDecay: group.weightDecay,
      isDecoupled: Decay.isDecoupled, step: state.steps)
    state.tensors.withUnsafeMutableBufferPointer { moments in
      adamStep(
        parameter, gradient: gradient, first: &moments[0], second: &moments[1], settings: settings)
    }
  }
}
