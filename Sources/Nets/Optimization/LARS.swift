import Tensor

/// SGD with a rate of its own for each layer, for large batches (You et al., 2017).
///
/// Long weights may take long steps: a parameter's slope is scaled by
///
/// trust = coefficient · ‖w‖ / ‖g + decay · w‖, or 1 if either length is zero,
///
/// so that weights which begin at zero move too. Biases and norms belong to a group that is not
/// adapted, which ``Module/parameterGroups(weightDecay:)`` makes by the layers' types; there is no
/// initializer for plain parameters, for these must be told apart.
public final class LARS: Optimizer {
  /// Published formulas, which agree while the learning rate is constant and nothing decays.
  public enum Variant: Sendable {
    /// Google's for SimCLR: the rate goes into the velocity, v = momentum · v + rate · trust · slope
    /// and w -= v, so that a falling rate acts on new slopes alone.
    case google
    /// DeepMind's for BYOL: the rate is outside, v = momentum · v + trust · slope, w -= rate · v.
    case deepMind
    /// That of lightly and solo-learn: the rate is outside, and the lengths are added up,
    /// trust = coefficient · ‖w‖ / (‖g‖ + decay · ‖w‖ + 1e-8).
    case lightly
  }

  /// The parameters and their settings.
  public let groups: [ParameterGroup]
  /// The step size, in front of the layers' own.
  public var learningRate: Float
  /// The share of the last step's velocity that is kept.
  public let momentum: Float
  /// The coefficient of the layers' rates.
  public let trustCoefficient: Float
  /// Which formula is used.
  public let variant: Variant
  private var memory = OptimizerMemory<Velocity>()

  /// An optimizer of the given groups.
  ///
  /// - Parameters:
  ///   - groups: The parameters; those of groups that are not adapted move as ``SGD`` moves them.
  ///   - learningRate: The step size; see ``LearningRate/scaled(base:batchSize:rule:)``.
  ///   - momentum: The share of the last step's velocity that is kept.
  ///   - trustCoefficient: The coefficient of the layers' rates, 0.001 in every paper.
  ///   - variant: Which of the published formulas is used.
  public init(
    _ groups: [ParameterGroup], learningRate: Float, momentum: Float = 0.9,
    trustCoefficient: Float = 1e-3, variant: Variant = .google
  ) {
    checkSettings("LARS", learningRate: learningRate, groups: groups)
    precondition(
      (0..<1).contains(momentum) && trustCoefficient > 0,
      "LARS needs a momentum of at least 0 and below 1 and a trust coefficient above 0; got "
        + "\(momentum) and \(trustCoefficient)")
    self.groups = groups
    self.learningRate = learningRate
    self.momentum = momentum
    self.trustCoefficient = trustCoefficient
    self.variant = variant
  }

  /// Moves every parameter that has a gradient.
  public func step() {
    groups.forEachGradient { group, parameter, gradient in
      let rate = group.rate(learningRate)
      let trust = group.isAdapted ? trust(parameter, gradient, group.weightDecay) : 1
      memory.change(parameter) { velocity, _ in
        sgdStep(
          parameter, gradient: gradient, velocity: &velocity.value,
          learningRate: variant == .google ? 1 : rate, momentum: momentum, nesterov: nil,
          weightDecay: group.weightDecay, gradientScale: variant == .google ? rate * trust : trust)
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
