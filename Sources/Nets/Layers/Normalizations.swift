import Tensor

/// A layer that normalises; optimizers exempt its parameters from weight decay.
public protocol NormalizationLayer: Module {}

/// A normalisation that can add a residual and apply a ReLU in the same pass.
public protocol FusableNorm: Module {
  /// activation(norm(input) + residual)
  func forward(_ input: Tensor, activation: Activation, residual: Tensor?) -> Tensor
}

extension FusableNorm {
  /// relu(norm(input) + residual), in one pass unless one of the two layers is tapped.
  public func callAsFunction(
    _ input: Tensor, adding residual: Tensor? = nil, then relu: ReLU
  ) -> Tensor {
    if let tap = ActivationTap.current, tap.listens(to: self) || tap.listens(to: relu) {
      let normalized = self(input)
      return relu(residual.map { normalized + $0 } ?? normalized)
    }
    return forward(input, activation: .relu, residual: residual)
  }

  /// relu(norm(convolution(input)) + residual), as written in one expression.
  ///
  /// Evaluation without gradients computes it in one pass, if `convolution` is a ``Conv2d``, this
  /// is a ``BatchNorm`` and none of the layers is tapped.
  ///
  /// ```swift
  /// let hidden = bn1(after: conv1, x, then: relu)
  /// ```
  ///
  /// - Parameters:
  ///   - convolution: The layer before the norm.
  ///   - input: What `convolution` accepts.
  ///   - residual: A tensor of the result's shape, added behind the norm.
  ///   - relu: The activation at the end, if there is one.
  /// - Returns: A tensor of the shape that `convolution` returns.
  public func callAsFunction(
    after convolution: any Module, _ input: Tensor, adding residual: Tensor? = nil,
    then relu: ReLU? = nil
  ) -> Tensor {
    let layers: [(any Module)?] = [convolution, self, relu]
    let isTapped = ActivationTap.current.map { tap in
      layers.contains { $0.map(tap.listens(to:)) == true }
    }
    if isTapped != true, let convolution = convolution as? Conv2d,
      let norm = (self as? BatchNorm)?.fixed
    {
      return convolution(
        input, then: norm, relu == nil ? .identity : .relu, adding: residual)
    }
    let convolved = convolution(input)
    if let relu { return self(convolved, adding: residual, then: relu) }
    return residual.map { self(convolved) + $0 } ?? self(convolved)
  }

  /// The norm alone.
  public func forward(_ input: Tensor) -> Tensor {
    forward(input, activation: .identity, residual: nil)
  }
}

/// Batch normalisation over all axes but the last: torch's `BatchNorm1d` and `BatchNorm2d` in one.
///
/// In training it normalises by the batch's statistics and moves the running ones; in evaluation or
/// when frozen it uses the running ones.
public final class BatchNorm: SampleIndependent, FusableNorm, ModeDependent, NormalizationLayer {
  /// Shape [channels]; absent without affine parameters.
  public let scale: Parameter?
  /// Shape [channels]; absent without affine parameters.
  public let bias: Parameter?
  /// The mean that evaluation uses, of shape [channels].
  public let runningMean: Buffer
  /// The variance that evaluation uses, of shape [channels].
  public let runningVariance: Buffer
  /// How many batches moved the running statistics.
  public let batchCount: Buffer
  /// The share of a new batch in the running statistics.
  public let momentum: Float
  /// Added to the variance.
  public let epsilon: Float
  /// Whether the batch's statistics are used.
  public var mode: Mode = .training
  /// Whether the running statistics are used and kept even in training; `train()` does not undo it.
  public var isFrozen = false

  /// A layer for `channels` channels, with torch's defaults.
  public init(_ channels: Int, momentum: Float = 0.1, epsilon: Float = 1e-5, affine: Bool = true) {
    scale = affine ? Parameter(.ones([channels]), name: "weight") : nil
    bias = affine ? Parameter(.zeros([channels])) : nil
    runningMean = Buffer(.zeros([channels]), name: "running_mean")
    runningVariance = Buffer(.ones([channels]), name: "running_var")
    batchCount = Buffer(.zeros([]), name: "num_batches_tracked", elementType: .int64)
    self.momentum = momentum
    self.epsilon = epsilon
  }

  /// Whether the next input is normalised by its own statistics; it then needs at least two rows.
  public var usesBatchStatistics: Bool { mode == .training && !isFrozen }

  /// The running statistics and the parameters as one value; nil while the batch's are used.
  fileprivate var fixed: FixedNormalization? {
    guard !usesBatchStatistics else { return nil }
    return FixedNormalization(
      mean: runningMean.value, variance: runningVariance.value, scale: scale?.value,
      bias: bias?.value, epsilon: epsilon)
  }

  /// activation(norm(input) + residual), for inputs of shape [..., channels].
  public func forward(_ input: Tensor, activation: Activation, residual: Tensor?) -> Tensor {
    guard usesBatchStatistics else {
      return batchNorm(
        input, mean: runningMean.value, variance: runningVariance.value, scale: scale?.value,
        bias: bias?.value, epsilon: epsilon, activation: activation, residual: residual)
    }
    let parts = GhostBatchNorm.parts
    let result = batchNorm(
      input, parts: parts, scale: scale?.value, bias: bias?.value, epsilon: epsilon,
      activation: activation, residual: residual)
    for part in 0..<parts {
      follow(mean: result.means[part], variance: result.variances[part], of: Float(result.count))
    }
    return result.output
  }

  /// Moves the running statistics toward those of a batch of so many values.
  private func follow(mean: Tensor, variance: Tensor, of count: Float) {
    runningMean.value = runningMean.value * (1 - momentum) + mean * momentum
    // The running variance is the unbiased one although the batch is normalised with the biased
    // one: torch's rule.
    runningVariance.value =
      runningVariance.value * (1 - momentum) + variance * (momentum * count / (count - 1))
    batchCount.value = batchCount.value + 1
  }
}

extension Module {
  /// Whether a batch norm in this network normalises by the batch's statistics.
  public var usesBatchStatistics: Bool {
    namedModules.contains { ($0.module as? BatchNorm)?.usesBatchStatistics == true }
  }
}

/// Group normalisation: each image by the statistics of its groups of channels.
public final class GroupNorm: SampleIndependent, FusableNorm, NormalizationLayer {
  /// How many parts the channels fall into.
  public let groups: Int
  /// Shape [channels].
  public let scale: Parameter
  /// Shape [channels].
  public let bias: Parameter
  /// Added to the variance.
  public let epsilon: Float

  /// A layer for `channels` channels in `groups` groups, with torch's defaults.
  public init(groups: Int, _ channels: Int, epsilon: Float = 1e-5) {
    precondition(
      groups >= 1 && channels.isMultiple(of: groups),
      "GroupNorm needs channels divisible by groups; got \(channels) channels and \(groups) groups")
    self.groups = groups
    scale = Parameter(.ones([channels]), name: "weight")
    bias = Parameter(.zeros([channels]))
    self.epsilon = epsilon
  }

  /// activation(norm(input) + residual), for inputs of shape [count, ..., channels].
  public func forward(_ input: Tensor, activation: Activation, residual: Tensor?) -> Tensor {
    groupNorm(
      input, groups: groups, scale: scale.value, bias: bias.value, epsilon: epsilon,
      activation: activation, residual: residual)
  }
}

/// Layer normalisation over the last axis.
public final class LayerNorm: SampleIndependent, NormalizationLayer {
  /// Shape [features].
  public let scale: Parameter
  /// Shape [features].
  public let bias: Parameter
  /// Added to the variance.
  public let epsilon: Float

  /// A layer for `features` features, with torch's defaults.
  public init(_ features: Int, epsilon: Float = 1e-5) {
    scale = Parameter(.ones([features]), name: "weight")
    bias = Parameter(.zeros([features]))
    self.epsilon = epsilon
  }

  /// Inputs of shape [..., features] to the same shape.
  public func forward(_ input: Tensor) -> Tensor {
    layerNorm(input, scale: scale.value, bias: bias.value, epsilon: epsilon)
  }
}
