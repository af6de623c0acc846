import Tensor

/// Stochastic gradient descent, with torch's momentum.
///
/// g += decay · w; v = momentum · v + g; w -= rate · v. Nesterov's form is
/// w -= rate · (g + momentum · v).
public typealias SGD = RuleOptimizer<SGDRule>

extension SGD {
  /// An optimizer of the given groups.
  ///
  /// - Precondition: Nesterov's momentum is above zero.
  public convenience init(
    _ groups: [ParameterGroup], learningRate: Float, momentum: Float = 0, nesterov: Bool = false
  ) {
    precondition(
      !nesterov || momentum > 0, "SGD needs a momentum above zero for Nesterov's; got \(momentum)")
    self.init(
      SGDRule(momentum: momentum, nesterov: nesterov), groups, learningRate: learningRate)
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
}

/// The formula of ``SGD``.
public struct SGDRule: UpdateRule {
  let momentum: Float
  let nesterov: Bool
  let name = "SGD"
  let tensorNames = ["velocity"]

  func update(
    _ parameter: Parameter, gradient: Tensor, rate: Float, group: ParameterGroup,
    state: inout ParameterState
  ) {
    var velocity = state.tensors.popLast() ?? .zeros(parameter.shape)
    sgdStep(
      parameter, gradient: gradient, velocity: &velocity, learningRate: rate, momentum: momentum,
      nesterov: nesterov ? momentum : nil, weightDecay: group.weightDecay)
    // Without momentum no velocity is needed again.
    if momentum > 0 { state.tensors.append(velocity) }
  }
}
