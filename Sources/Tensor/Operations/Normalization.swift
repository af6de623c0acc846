/// The activation at the end of a fused operation.
public enum Activation: Sendable {
  /// None.
  case identity
  /// max(0, x).
  case relu
}

/// Batch normalisation by the statistics of the batch, for training.
///
/// y = activation((x - mean) / √(variance + epsilon) · scale + bias + residual), with the mean
/// and the biased variance of each channel over all other axes (Ioffe and Szegedy, 2015).
///
/// - Parameters:
///   - x: A tensor of shape [..., channels].
///   - scale: A tensor of shape [channels]; ones when it is nil.
///   - bias: A tensor of shape [channels]; zeros when it is nil.
///   - epsilon: Added to the variance.
///   - activation: What the result goes through at the end.
///   - residual: A tensor of the shape of `x`, added before the activation.
/// - Returns: The result, of the shape of `x`, and the batch's mean and biased variance, which
///   carry no gradient.
public func batchNorm(
  _ x: Tensor, scale: Tensor? = nil, bias: Tensor? = nil, epsilon: Float = 1e-5,
  activation: Activation = .identity, residual: Tensor? = nil
) -> (output: Tensor, mean: Tensor, variance: Tensor) {
  let result = batchNorm(
    x, parts: 1, scale: scale, bias: bias, epsilon: epsilon, activation: activation,
    residual: residual)
  return (result.output, result.means[0], result.variances[0])
}

/// Batch normalisation of several batches at once, each by its own statistics, for training: what
/// ``batchNorm(_:scale:bias:epsilon:activation:residual:)`` makes of them one by one.
///
/// - Parameters:
///   - x: Batches of one size, one after the other along the first axis: a shape [..., channels].
///   - parts: How many batches there are.
///   - scale: A tensor of shape [channels]; ones when it is nil.
///   - bias: A tensor of shape [channels]; zeros when it is nil.
///   - epsilon: Added to the variances.
///   - activation: What the result goes through at the end.
///   - residual: A tensor of the shape of `x`, added before the activation.
/// - Returns: The result, of the shape of `x`, the batches' means and biased variances, of shape
///   [parts, channels], which carry no gradient, and of how many values each of these is. Inside
///   ``withProcessGroup(_:_:)`` they are those of all processes' values.
/// - Precondition: The first axis divides by `parts`, and each part has more than one value per
///   channel.
public func batchNorm(
  _ x: Tensor, parts: Int, scale: Tensor? = nil, bias: Tensor? = nil, epsilon: Float = 1e-5,
  activation: Activation = .identity, residual: Tensor? = nil
) -> (output: Tensor, means: Tensor, variances: Tensor, count: Int) {
  let channels = x.shape.last ?? 0
  precondition(
    parts >= 1 && (x.shape.first ?? 0).isMultiple(of: parts),
    "batchNorm needs parts of one size; got \(parts) of shape \(x.shape)")
  let geometry = NormalizationGeometry(
    samples: parts, rows: x.elementCount / max(1, parts * channels), channels: channels,
    groups: channels)
  let group = ProcessGroup.current
  precondition(
    geometry.rows > (group.isSingle ? 1 : 0),
    "batchNorm needs more than one value per channel in training; got shape \(x.shape)"
      + (parts > 1 ? " in \(parts) parts" : ""))
  let own = groupStatistics(x, geometry)
  let moments = group.combined(
    ChannelMoments(mean: own.mean, variance: own.variance, count: geometry.rows))
  let output = Normalization(
    geometry: geometry, mean: moments.mean, variance: moments.variance, epsilon: epsilon,
    isFixed: false, activation: activation, operation: "batchNorm", group: group,
    count: moments.count
  ).apply(to: x, scale: scale, bias: bias, residual: residual)
  let shape: TensorShape = [parts, channels]
  return (
    output, Tensor(moments.mean.map { Float($0) }).reshaped(shape),
    Tensor(moments.variance.map { Float($0) }).reshaped(shape), moments.count
  )
}

/// Batch normalisation by given statistics, for evaluation.
///
/// y = activation((x - mean) / √(variance + epsilon) · scale + bias + residual).
///
/// - Parameters:
///   - x: A tensor of shape [..., channels].
///   - mean: A tensor of shape [channels]; no gradient flows to it.
///   - variance: A tensor of shape [channels]; no gradient flows to it.
///   - scale: A tensor of shape [channels]; ones when it is nil.
///   - bias: A tensor of shape [channels]; zeros when it is nil.
///   - epsilon: Added to the variance.
///   - activation: What the result goes through at the end.
///   - residual: A tensor of the shape of `x`, added before the activation.
/// - Returns: The result, of the shape of `x`.
public func batchNorm(
  _ x: Tensor, mean: Tensor, variance: Tensor, scale: Tensor? = nil, bias: Tensor? = nil,
  epsilon: Float = 1e-5, activation: Activation = .identity, residual: Tensor? = nil
) -> Tensor {
  let channels = x.shape.last ?? 0
  precondition(
    mean.shape == [channels] && variance.shape == [channels],
    "batchNorm needs a mean and a variance of shape [\(channels)] for \(x.shape); got "
      + "\(mean.shape) and \(variance.shape)")
  let geometry = NormalizationGeometry(
    samples: 1, rows: x.elementCount / max(1, channels), channels: channels, groups: channels)
  return Normalization(
    geometry: geometry, mean: mean.scalars.map(Double.init),
    variance: variance.scalars.map(Double.init), epsilon: epsilon, isFixed: true,
    activation: activation, operation: "batchNorm"
  ).apply(to: x, scale: scale, bias: bias, residual: residual).traced(
    from: [x, mean, variance, scale ?? .absent, bias ?? .absent, residual ?? .absent],
    as: .batchNorm(epsilon: epsilon, activation))
}

/// Group normalisation: the statistics of each image, over the channels of a group.
///
/// y = activation((x - mean) / √(variance + epsilon) · scale + bias + residual) (Wu and He,
/// 2018).
///
/// - Parameters:
///   - x: A tensor of shape [count, ..., channels].
///   - groups: How many parts the channels fall into.
///   - scale: A tensor of shape [channels]; ones when it is nil.
///   - bias: A tensor of shape [channels]; zeros when it is nil.
///   - epsilon: Added to the variance.
///   - activation: What the result goes through at the end.
///   - residual: A tensor of the shape of `x`, added before the activation.
/// - Returns: The result, of the shape of `x`.
/// - Precondition: The channels divide by the groups.
public func groupNorm(
  _ x: Tensor, groups: Int, scale: Tensor? = nil, bias: Tensor? = nil, epsilon: Float = 1e-5,
  activation: Activation = .identity, residual: Tensor? = nil
) -> Tensor {
  let channels = x.shape.last ?? 0
  precondition(
    x.rank >= 2 && groups >= 1 && channels.isMultiple(of: groups),
    "groupNorm needs a shape [count, ..., channels] with channels divisible by groups; got shape "
      + "\(x.shape) and \(groups) groups")
  let geometry = NormalizationGeometry(
    samples: x.shape[0], rows: x.elementCount / max(1, x.shape[0] * channels), channels: channels,
    groups: groups)
  let (mean, variance) = groupStatistics(x, geometry)
  return Normalization(
    geometry: geometry, mean: mean, variance: variance, epsilon: epsilon, isFixed: false,
    activation: activation, operation: "groupNorm"
  ).apply(to: x, scale: scale, bias: bias, residual: residual).traced(
    from: [x, scale ?? .absent, bias ?? .absent, residual ?? .absent],
    as: .groupNorm(groups: groups, epsilon: epsilon, activation))
}

/// Layer normalisation over the last axis.
///
/// y = (x - mean) / √(variance + epsilon) · scale + bias (Ba et al., 2016).
///
/// - Parameters:
///   - x: A tensor of shape [..., features].
///   - scale: A tensor of shape [features]; ones when it is nil.
///   - bias: A tensor of shape [features]; zeros when it is nil.
///   - epsilon: Added to the variance.
/// - Returns: The result, of the shape of `x`.
public func layerNorm(
  _ x: Tensor, scale: Tensor? = nil, bias: Tensor? = nil, epsilon: Float = 1e-5
) -> Tensor {
  for (name, vector) in [("scale", scale), ("bias", bias)] {
    precondition(
      x.rank >= 1 && vector.map { $0.shape.dimensions == [x.shape[x.rank - 1]] } != false,
      "layerNorm needs a \(name) of shape [features] for values [..., features]; got "
        + "\(vector?.shape ?? []) for \(x.shape)")
  }
  let features = x.shape[x.rank - 1]
  let (factor, addend) = (scale ?? .ones([features]), bias ?? .zeros([features]))
  let normalization = RowNormalization(of: x, scale: factor, bias: addend, epsilon: epsilon)
  return normalization.output.recorded(
    from: [x, scale ?? .absent, bias ?? .absent], as: .layerNorm(epsilon: epsilon)
  ) { gradient, _ in
    let (dx, dScale, dBias) = normalization.gradients(gradient)
    return [dx, dScale, dBias]
  }
}

/// Batch normalisation by given statistics, as a value.
package struct FixedNormalization {
  private let mean: Tensor
  private let variance: Tensor
  private let scale: Tensor?
  private let bias: Tensor?
  private let epsilon: Float

  /// The parameters are those of ``batchNorm(_:mean:variance:scale:bias:epsilon:activation:residual:)``.
  package init(mean: Tensor, variance: Tensor, scale: Tensor?, bias: Tensor?, epsilon: Float) {
    (self.mean, self.variance, self.scale, self.bias) = (mean, variance, scale, bias)
    self.epsilon = epsilon
  }

  /// activation(norm(x) + residual)
  func callAsFunction(_ x: Tensor, _ activation: Activation, residual: Tensor?) -> Tensor {
    batchNorm(
      x, mean: mean, variance: variance, scale: scale, bias: bias, epsilon: epsilon,
      activation: activation, residual: residual)
  }

  /// The same for results of a convolution of this shape, to which a bias is yet to be added.
  func epilogue(
    _ shape: TensorShape, convolutionBias: Tensor?, _ activation: Activation, residual: Tensor?
  ) -> ConvolutionEpilogue {
    let channels = shape[3]
    for vector in [mean, variance, scale, bias, convolutionBias].compactMap({ $0 }) {
      precondition(
        vector.shape == [channels],
        "batchNorm needs numbers of shape [\(channels)] for \(shape); got \(vector.shape)")
    }
    precondition(
      residual == nil || residual?.shape == shape,
      "batchNorm needs a residual of shape \(shape); got \(residual?.shape ?? [])")
    let normalization = Normalization(
      geometry: NormalizationGeometry(
        samples: 1, rows: shape.elementCount(0..<3), channels: channels, groups: channels),
      mean: mean.scalars.map(Double.init), variance: variance.scalars.map(Double.init),
      epsilon: epsilon, isFixed: true, activation: activation, operation: "batchNorm")
    let numbers = normalization.factorsAndOffsets(
      scale?.scalars ?? [Float](repeating: 1, count: channels),
      bias?.scalars ?? [Float](repeating: 0, count: channels), shift: convolutionBias?.scalars)
    return ConvolutionEpilogue(numbers, residual: residual, activation)
  }
}

/// One normalisation with its statistics, and the gradient that all of them share.
private struct Normalization: Sendable {
  private let geometry: NormalizationGeometry
  private let mean: [Double]
  /// 1/√(variance + epsilon) of each group.
  private let reciprocals: [Double]
  /// Whether all values of each group are one number.
  private let isConstant: [Bool]
  /// Whether the statistics are given rather than computed from the values.
  private let isFixed: Bool
  private let activation: Activation
  private let operation: String
  /// Whose values the statistics are of.
  private let group: ProcessGroup
  /// The values under one mean, those of other processes included.
  private let count: Int

  init(
    geometry: NormalizationGeometry, mean: [Double], variance: [Double], epsilon: Float,
    isFixed: Bool, activation: Activation, operation: String, group: ProcessGroup = .single,
    count: Int? = nil
  ) {
    self.geometry = geometry
    self.group = group
    self.count = count ?? geometry.groupCount
    self.mean = mean
    reciprocals = variance.map { 1 / ($0 + Double(epsilon)).squareRoot() }
    // Floats that differ at all have a variance of 1e-15 / count of their squared mean.
    isConstant = zip(mean, variance).map { !isFixed && $1 <= 1e-28 * $0 * $0 }
    self.isFixed = isFixed
    self.activation = activation
    self.operation = operation
  }

  /// The factor and the offset of each channel. The offset is for values to which `shift` is yet to
  /// be added.
  func factorsAndOffsets(_ gamma: [Float], _ beta: [Float], shift: [Float]? = nil) -> ChannelNumbers
  {
    ChannelNumbers(geometry, count: 2) { _, channel, group, store in
      // What is constant becomes its bias exactly: x · factor would leave a rounding error, which a
      // ReLU takes for a positive number.
      let scaled = isConstant[group] ? 0 : Double(gamma[channel]) * reciprocals[group]
      store(0, scaled)
      store(
        1, Double(beta[channel]) - scaled * (mean[group] - Double(shift.map { $0[channel] } ?? 0)))
    }
  }

  func apply(to x: Tensor, scale: Tensor?, bias: Tensor?, residual: Tensor?) -> Tensor {
    let channels = geometry.channels
    for (name, vector) in [("scale", scale), ("bias", bias)] {
      precondition(
        vector == nil || vector?.shape == [channels],
        "\(operation) needs a \(name) of shape [\(channels)]; got \(vector?.shape ?? [])")
    }
    precondition(
      residual == nil || residual?.shape == x.shape,
      "\(operation) needs a residual of shape \(x.shape); got \(residual?.shape ?? [])")
    let gamma = scale?.scalars ?? [Float](repeating: 1, count: channels)
    let beta = bias?.scalars ?? [Float](repeating: 0, count: channels)
    let map = factorsAndOffsets(gamma, beta)
    // Convolutions normalize images as they read them. Others have them written first.
    let isDeferred = residual == nil && x.rank == 4
    let y =
      isDeferred
      ? Tensor(
        storage: Storage(DeferredNormalization(x.detached, map, activation, geometry)),
        shape: x.shape)
      : affine(x, map, residual: residual, activation: activation, geometry)
    // What the reverse pass does not read may go before it.
    let (input, output) = (x.detached, activation == .relu && residual != nil ? y : nil)
    return y.recorded(
      from: [x, scale ?? .absent, bias ?? .absent, residual ?? .absent], operation: operation
    ) { gradient, wanted in
      let passed = NormalizedGradient(
        gradient: gradient, input: input, affine: map, activation: activation, output: output)
      return pullback(passed, gamma: gamma, wanted: wanted)
    }
  }

  /// With x̂ = (x - μ) · r, r = 1/√(σ² + ε) and g the gradient that passed the activation:
  /// dγ = Σ g · x̂, dβ = Σ g, dx = r · (γg - mean(γg) - x̂ · mean(γg · x̂)),
  /// dresidual = g; the two means vanish when the statistics are given.
  private func pullback(
    _ passed: NormalizedGradient, gamma: [Float], wanted: [Bool]
  ) -> [Tensor?] {
    let centre = ChannelNumbers(geometry, count: 1) { _, _, group, store in store(0, mean[group]) }
    // Σ g · x̂ is taken about the rounded centre, and corrected for its distance from the mean.
    let sums = passed.sums(about: centre, geometry)
    let all = sumsOfAll(sums)
    var dGamma = [Double](repeating: 0, count: geometry.channels)
    var dBeta = dGamma
    var meanOfGradient = [Double](repeating: 0, count: mean.count)
    var meanOfProduct = meanOfGradient
    let share = 1 / Double(count)
    geometry.forEachChannel { index, channel, group in
      let shifted = Double(Float(mean[group])) - mean[group]
      func product(_ sums: GradientSums) -> Double {
        (sums.ofProducts[index] + shifted * sums.ofGradients[index]) * reciprocals[group]
      }
      dGamma[channel] += product(sums)
      dBeta[channel] += sums.ofGradients[index]
      meanOfGradient[group] += Double(gamma[channel]) * share * all.ofGradients[index]
      meanOfProduct[group] += Double(gamma[channel]) * share * product(all)
    }
    let needsInput = wanted[0] || wanted[3]
    let result =
      needsInput
      ? passed.inputGradient(
        coefficients(gamma, meanOfGradient, meanOfProduct), keepsGradient: wanted[3], geometry)
      : nil
    return [
      wanted[0] ? result?.input : nil,
      wanted[1] ? Tensor(dGamma.map { Float($0) }) : nil,
      wanted[2] ? Tensor(dBeta.map { Float($0) }) : nil,
      result?.residual,
    ]
  }

  private typealias GradientSums = (ofGradients: [Double], ofProducts: [Double])

  /// The sums over all processes' rows; dγ and dβ stay those of this one's, as all gradients do.
  private func sumsOfAll(_ own: GradientSums) -> GradientSums {
    guard !group.isSingle else { return own }
    let all = group.sum(own.ofGradients + own.ofProducts)
    let channels = own.ofGradients.count
    return (Array(all[..<channels]), Array(all[channels...]))
  }

  private func coefficients(
    _ gamma: [Float], _ meanOfGradient: [Double], _ meanOfProduct: [Double]
  ) -> ChannelNumbers {
    ChannelNumbers(geometry, count: 3) { _, channel, group, store in
      let r = reciprocals[group]
      let slope = isFixed ? 0 : -r * r * meanOfProduct[group]
      let level = isFixed ? 0 : -r * meanOfGradient[group]
      store(0, r * Double(gamma[channel]))
      store(1, slope)
      store(2, level - slope * mean[group])
    }
  }
}
