import Tensor

/// SGD with a rate of its own for each layer, for large batches (You et al., 2017).
///
/// Long weights may take long steps: a parameter's gradient is scaled by
///
/// trust = coefficient · ‖w‖ / ‖g + decay · w‖, or 1 if either norm is zero,
///
/// so that weights which begin at zero move too. Biases and norms belong to a group without layer
/// adaptation, which ``Module/parameterGroups(weightDecay:)`` makes by the layers' types. There is
/// no initializer for plain parameters: of these nobody can tell which belong to norms.
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
}

/// The formula of ``LARS``.
public struct LARSRule: UpdateRule {
  /// Published formulas, which agree while the learning rate is constant and nothing decays.
  public enum Variant: Sendable {
    /// Google's for SimCLR: the rate goes into the velocity, v = momentum · v + rate · trust · g
    /// and w -= v, so that a falling rate acts on new gradients alone.
    case google
    /// DeepMind's for BYOL: the rate is outside, v = momentum · v + trust · g, w -= rate · v.
    case deepMind
    /// That of lightly and solo-learn: the rate is outside, and the norms are added up,
    /// trust = coefficient · ‖w‖ / (‖g‖ + decay · ‖w‖ + 1e-8).
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
    let trust = group.usesLayerAdaptation ? trust(parameter, gradient, group.weightDecay) : 1
    sgdStep(
      parameter, gradient: gradient, velocity: &state.tensors[0],
      learningRate: variant == .google ? 1 : rate, momentum: momentum, nesterov: nil,
      weightDecay: group.weightDecay, gradientScale: variant == .google ? rate * trust : trust)
  }

  /// The rate of one layer.
  private func trust(_ parameter: Parameter, _ gradient: Tensor, _ weightDecay: Float) -> Float {
    let isSum = variant == .lightly
    let (weight, slope) = updateNorms(
      parameter, gradient: gradient, weightDecay: isSum ? 0 : weightDecay)
    guard weight > 0, slope > 0 else { return 1 }
    let length = isSum ? slope + Double(weightDecay) * weight + 1e-8 : slope
    return Float(Double(trustCoefficient) * weight / length)
  }
}
