import Tensor

/// Stochastic gradient descent, with torch's momentum.
///
/// g += decay · w; v = momentum · v + g (v = g at first); w -= rate · v, or rate · (g + momentum · v)
/// with Nesterov's look-ahead.
public final class SGD: Optimizer {
  /// The parameters and their settings.
  public let groups: [ParameterGroup]
  /// The step size.
  public var learningRate: Float
  /// The share of the last step's velocity that is kept.
  public let momentum: Float
  /// Whether the step looks ahead along the velocity.
  public let nesterov: Bool
  private var memory = OptimizerMemory<Velocity>()

  /// An optimizer of the given groups.
  public init(
    _ groups: [ParameterGroup], learningRate: Float, momentum: Float = 0, nesterov: Bool = false
  ) {
    checkSettings("SGD", learningRate: learningRate, groups: groups)
    precondition(
      !nesterov || momentum > 0, "SGD needs a momentum above zero for Nesterov's; got \(momentum)")
    self.groups = groups
    self.learningRate = learningRate
    self.momentum = momentum
    self.nesterov = nesterov
  }

  /// An optimizer of parameters that are all treated alike.
  public convenience init(
    _ parameters: [Parameter], learningRate: Float, momentum: Float = 0, weightDecay: Float = 0,
    nesterov: Bool = false
  ) {
    self.init(
      [ParameterGroup(parameters, weightDecay: weightDecay)], learningRate: learningRate,
      momentum: momentum, nesterov: nesterov)
  }

  /// Moves every parameter that has a gradient.
  public func step() {
    groups.forEachGradient { group, parameter, gradient in
      func move(_ velocity: inout Velocity, isFirst: Bool) {
        sgdStep(
          parameter, gradient: gradient, velocity: &velocity.value,
          learningRate: group.rate(learningRate), momentum: isFirst ? 0 : momentum,
          nesterov: nesterov ? momentum : nil, weightDecay: group.weightDecay)
      }
      if momentum > 0 {
        memory.change(parameter, move)
      } else {
        var unused = Velocity(shape: parameter.shape)
        move(&unused, isFirst: true)
      }
    }
  }

  /// What it remembers of earlier steps, and the learning rate.
  public var state: State { memory.state(of: groups, learningRate: learningRate) }

  /// Goes on from the state of another optimizer of the same kind and parameters.
  ///
  /// - Throws: `StateError` if names or shapes differ; nothing is changed then.
  public func load(_ state: State) throws {
    learningRate = try memory.load(state, groups: groups)
  }
}
