import Tensor

/// Moves parameters along their gradients.
///
/// Its state is the learning rate and what it keeps of each parameter, by the parameters' places;
/// the groups' settings are not part of it. A training that is resumed from the learner's state and
/// the optimizer's goes on as if it had not been interrupted.
public protocol Optimizer: Stateful {
  /// The name in messages.
  var name: String { get }

  /// The highest learning rate in common use; above it most trainings diverge.
  var usualHighestRate: Float { get }

  /// The parameters and the settings that differ between them.
  var groups: [ParameterGroup] { get set }

  /// The step size, which a schedule may change before any step.
  var learningRate: Float { get set }

  /// Moves every parameter that has a gradient.
  ///
  /// - Precondition: At least one has.
  func step()
}

extension Optimizer {
  /// The name of the type.
  public var name: String { "\(type(of: self))" }

  /// One.
  public var usualHighestRate: Float { 1 }

  /// Forgets the gradients of all parameters.
  public func zeroGradients() {
    for group in groups {
      for parameter in group.parameters { parameter.gradient = nil }
    }
  }
}

/// Parameters that an optimizer treats alike.
public struct ParameterGroup {
  /// The parameters.
  public var parameters: [Parameter]
  /// The weight decay of this group.
  public var weightDecay: Float
  /// What the learning rate is multiplied by for this group.
  public var learningRateScale: Float
  /// The learning rate of this group whatever the schedule does; the optimizer's when it is nil.
  public var fixedLearningRate: Float?
  /// Whether ``LARS`` gives each parameter of this group a rate of its own; the others never do.
  public var usesLayerAdaptation: Bool

  /// A group of parameters.
  public init(
    _ parameters: [Parameter], weightDecay: Float = 0, learningRateScale: Float = 1,
    fixedLearningRate: Float? = nil, usesLayerAdaptation: Bool = true
  ) {
    precondition(
      fixedLearningRate.map { $0 >= 0 && $0.isFinite } != false,
      "a group needs a fixed learning rate of zero or more; got \(fixedLearningRate ?? 0)")
    self.parameters = parameters
    self.weightDecay = weightDecay
    self.learningRateScale = learningRateScale
    self.fixedLearningRate = fixedLearningRate
    self.usesLayerAdaptation = usesLayerAdaptation
  }

  /// The learning rate of this group while the optimizer's is `learningRate`.
  func rate(_ learningRate: Float) -> Float {
    (fixedLearningRate ?? learningRate) * learningRateScale
  }
}

extension Module {
  /// Two groups: weights, which decay and which `LARS` adapts, and biases and the parameters of
  /// norms, for which neither holds.
  ///
  /// The type of the layer and the rank decide, not the name: a batch norm called `net.1` is exempt
  /// too.
  public func parameterGroups(weightDecay: Float) -> [ParameterGroup] {
    let parameters = parameters
    let norms = namedModules.filter { $0.module is any NormalizationLayer }
    let exempt = norms.flatMap(\.module.parameters) + parameters.filter { $0.shape.rank <= 1 }
    let identities = Set(exempt.map(ObjectIdentifier.init))
    let decaying = parameters.filter { !identities.contains(ObjectIdentifier($0)) }
    return [
      ParameterGroup(decaying, weightDecay: weightDecay),
      ParameterGroup(exempt.uniqued(), usesLayerAdaptation: false),
    ]
  }
}
