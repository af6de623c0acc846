import Tensor

/// SGD with a rate of its own for each layer, for large batches (You et al., 2017).
///
/// Long weights may take long steps: a parameter's gradient is scaled by
///
/// trust = coefficient · ‖w‖ / ‖g + decay · w‖, or 1 if either norm is zero,
///
/// so that weights which begin at zero move too. Biases and norms belong to a group without layer
/// adaptation, which ``Module/parameterGroups(weightDecay:)`` makes by the layers' types.
public typealias LARS = RuleOptimizer<LARSRule>

extension LARS {
  /// Which of the published formulas is used.
  public typealias Variant = LARSRule.Variant

  /// An optimizer of the given groups.
  ///
  /// - Parameters:
  ///   - groups: The parameters; ``SGD``'s formula moves groups without layer adaptation.
  ///   - learningRate: The step size; see ``LearningRate/scaled(base:batchSize:rule:)``.
  ///   - momentum: The share of the last step's velocity that is kept.
  ///   - trustCoefficient: The coefficient of the layers' rates, 0.001 in every paper.
  ///   - variant: Which of the published formulas is used.
  public convenience init(
    _ groups: [ParameterGroup], learningRate: Float, momentum: Float = 0.9,
    trustCoefficient: Float = 1e-3, variant: Variant = .google
  ) {
    precondition(
      (0..<1).contains(momentum) && trustCoefficient > 0,
      "LARS needs a momentum of at least 0 and below 1 and a trust coefficient above 0; got "
        + "\(momentum) and \(trustCoefficient)")
    self.init(
      LARSRule(momentum: momentum, trustCoefficient: trustCoefficient, variant: variant), groups,
      learningRate: learningRate)
  }

  /// An optimizer of parameters, of which those with at most one axis, biases and the parameters of
  /// norms, neither decay nor get a rate of their own.
  ///
  /// The other arguments are those of an optimizer of groups.
  public convenience init(
    _ parameters: [Parameter], learningRate: Float, momentum: Float = 0.9, weightDecay: Float = 0,
    trustCoefficient: Float = 1e-3, variant: Variant = .google
  ) {
    let groups = [
      ParameterGroup(parameters.filter { $0.shape.rank > 1 }, weightDecay: weightDecay),
      ParameterGroup(parameters.filter { $0.shape.rank <= 1 }, usesLayerAdaptation: false),
    ]
    self.init(
      groups, learningRate: learningRate, momentum: momentum, trustCoefficient: trustCoefficient,
      variant: variant)
  }
}

/// The formula of ``LARS``.
public struct LARSRule: UpdateRule {
  /// Published formulas. The first two agree while the learning rate is constant.
  public enum Variant: Sendable {
    /// Google's for SimCLR: the rate goes into the velocity, v = momentum · v + rate · trust · g
    /// and w -= v, so that a falling rate acts on new gradients alone.
    case google
    /// DeepMind's for BYOL: the rate is outside, v = momentum · v + trust · g, w -= rate · v.
    case deepMind
    /// That of lightly and solo-learn: the rate is outside, and the norms are added up,
    /// trust = coefficient · ‖w‖ / (‖g‖ + decay · ‖w‖ + 1e-8). Parameters that do not decay move
    /// without adaptation, and those whose weight or gradient is zero without decay either.
    case lightly
  }

  let momentum: Float
  let trustCoefficient: Float
  let variant: Variant
  let name = "LARS"
  let usualHighestRate: Float = 10
  let tensorNames = ["velocity"]

  func update(
    _ parameter: Parameter, gradient: Tensor, rate: Float, group: ParameterGroup,
    state: inout ParameterState
  ) {
    let (trust, decay) =
      group.usesLayerAdaptation
      ? adaptation(parameter, gradient, group.weightDecay) : (1, group.weightDecay)
    sgdStep(
      parameter, gradient: gradient, velocity: &state.tensors[0],
      learningRate: variant == .google ? 1 : rate, momentum: momentum, nesterov: nil,
      weightDecay: decay, gradientScale: variant == .google ? rate * trust : trust)
  }

  /// The rate of one layer, and its weight decay.
  private func adaptation(
    _ parameter: Parameter, _ gradient: Tensor, _ weightDecay: Float
  ) -> (trust: Float, weightDecay: Float) {
    let isSum = variant == .lightly
    guard !isSum || weightDecay != 0 else { return (1, 0) }
    let (weight, slope) = updateNorms(
      parameter, gradient: gradient, weightDecay: isSum ? 0 : weightDecay)
    guard weight > 0, slope > 0 else { return (1, isSum ? 0 : weightDecay) }
    let length = isSum ? slope + Double(weightDecay) * weight + 1e-8 : slope
    return (Float(Double(trustCoefficient) * weight / length), weightDecay)
  }
}
