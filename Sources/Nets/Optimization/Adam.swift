import Tensor

/// Adam (Kingma and Ba, 2015), with torch's defaults: weight decay is added to the gradient.
///
/// m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²; w -= rate · m̂ / (√v̂ + ε), with m̂ and v̂ divided by
/// 1 - βᵗ.
public final class Adam: Optimizer {
  /// The parameters and their settings.
  public let groups: [ParameterGroup]
  /// The step size.
  public var learningRate: Float
  private let form: AdamForm
  private var memory = OptimizerMemory<Moments>()

  /// An optimizer of the given groups.
  public init(
    _ groups: [ParameterGroup], learningRate: Float = 1e-3, betas: (Float, Float) = (0.9, 0.999),
    epsilon: Float = 1e-8
  ) {
    checkSettings("Adam", learningRate: learningRate, groups: groups)
    self.groups = groups
    self.learningRate = learningRate
    form = AdamForm(betas: betas, epsilon: epsilon, isDecoupled: false)
  }

  /// An optimizer of parameters that are all treated alike.
  public convenience init(
    _ parameters: [Parameter], learningRate: Float = 1e-3, betas: (Float, Float) = (0.9, 0.999),
    epsilon: Float = 1e-8, weightDecay: Float = 0
  ) {
    self.init(
      [ParameterGroup(parameters, weightDecay: weightDecay)], learningRate: learningRate,
      betas: betas, epsilon: epsilon)
  }

  /// Moves every parameter that has a gradient.
  public func step() { form.step(groups, learningRate: learningRate, &memory) }

  /// What it remembers of earlier steps, and the learning rate.
  public var state: State { memory.state(of: groups, learningRate: learningRate) }

  /// Goes on from the state of another optimizer of the same kind and parameters.
  ///
  /// - Throws: `StateError` if names or shapes differ.
  public func plan(_ state: State) throws -> () -> Void {
    let planned = try memory.planned(state, groups: groups)
    return { (self.memory, self.learningRate) = planned }
  }
}

/// Adam with weight decay that does not go through the moments (Loshchilov and Hutter, 2019).
///
/// w -= rate · decay · w before Adam's step; 0.01 is torch's default.
public final class AdamW: Optimizer {
  /// The parameters and their settings.
  public let groups: [ParameterGroup]
  /// The step size.
  public var learningRate: Float
  private let form: AdamForm
  private var memory = OptimizerMemory<Moments>()

  /// An optimizer of the given groups.
  public init(
    _ groups: [ParameterGroup], learningRate: Float = 1e-3, betas: (Float, Float) = (0.9, 0.999),
    epsilon: Float = 1e-8
  ) {
    checkSettings("AdamW", learningRate: learningRate, groups: groups)
    self.groups = groups
    self.learningRate = learningRate
    form = AdamForm(betas: betas, epsilon: epsilon, isDecoupled: true)
  }

  /// An optimizer of parameters that are all treated alike.
  public convenience init(
    _ parameters: [Parameter], learningRate: Float = 1e-3, betas: (Float, Float) = (0.9, 0.999),
    epsilon: Float = 1e-8, weightDecay: Float = 0.01
  ) {
    self.init(
      [ParameterGroup(parameters, weightDecay: weightDecay)], learningRate: learningRate,
      betas: betas, epsilon: epsilon)
  }

  /// Moves every parameter that has a gradient.
  public func step() { form.step(groups, learningRate: learningRate, &memory) }

  /// What it remembers of earlier steps, and the learning rate.
  public var state: State { memory.state(of: groups, learningRate: learningRate) }

  /// Goes on from the state of another optimizer of the same kind and parameters.
  ///
  /// - Throws: `StateError` if names or shapes differ.
  public func plan(_ state: State) throws -> () -> Void {
    let planned = try memory.planned(state, groups: groups)
    return { (self.memory, self.learningRate) = planned }
  }
}

/// What both do at a step.
private struct AdamForm {
  private let betas: (Float, Float)
  private let epsilon: Float
  private let isDecoupled: Bool

  init(betas: (Float, Float), epsilon: Float, isDecoupled: Bool) {
    precondition(
      (0..<1).contains(betas.0) && (0..<1).contains(betas.1),
      "Adam needs betas of at least 0 and below 1; got \(betas)")
    self.betas = betas
    self.epsilon = epsilon
    self.isDecoupled = isDecoupled
  }

  func step(
    _ groups: [ParameterGroup], learningRate: Float, _ memory: inout OptimizerMemory<Moments>
  ) {
    groups.forEachGradient { group, parameter, gradient in
      memory.change(parameter) { moments, _ in
        moments.steps += 1
        adamStep(
          parameter, gradient: gradient, first: &moments.first, second: &moments.second,
          settings: AdamSettings(
            learningRate: group.rate(learningRate), betas: betas, epsilon: epsilon,
            weightDecay: group.weightDecay, isDecoupled: isDecoupled, step: moments.steps))
      }
    }
  }
}
