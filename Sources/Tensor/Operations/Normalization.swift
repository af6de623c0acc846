/// What a fused operation ends with.
public enum Activation: Sendable {
  /// Nothing.
  case identity
  /// max(0, x).
  case relu
}

/// Batch normalisation by the statistics of the batch, for training.
///
/// y = activation((x - mean) / √(variance + epsilon) · scale + bias + residual), with the mean and the
/// biased variance of each channel over all other axes (Ioffe and Szegedy, 2015).
///
/// - Parameters:
///   - x: A tensor of shape [..., channels].
///   - scale: A tensor of shape [channels]; ones when it is nil.
///   - bias: A tensor of shape [channels]; zeros when it is nil.
///   - epsilon: Added to the variance.
///   - activation: What the result goes through at the end.
///   - residual: A tensor of the shape of `x`, added before the activation.
/// - Returns: The result, of the shape of `x`, and the batch's mean and biased variance, which carry
///   no gradient.
public func batchNorm(
  _ x: Tensor, scale: Tensor? = nil, bias: Tensor? = nil, epsilon: Float = 1e-5,
  activation: Activation = .identity, residual: Tensor? = nil
) -> (output: Tensor, mean: Tensor, variance: Tensor) {
  let channels = x.shape.last ?? 0
  let geometry = NormalizationGeometry(
    samples: 1, rows: x.elementCount / max(1, channels), channels: channels, groups: channels)
  precondition(
    geometry.rows > 1,
    "batchNorm needs more than one value per channel in training; got shape \(x.shape)")
  let (mean, variance) = groupStatistics(x, geometry)
  let output = Normalization(
    geometry: geometry, mean: mean, variance: variance, epsilon: epsilon, isFixed: false,
    activation: activation, operation: "batchNorm"
  ).apply(to: x, scale: scale, bias: bias, residual: residual)
  return (output, Tensor(mean.map { Float($0) }), Tensor(variance.map { Float($0) }))
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
  ).apply(to: x, scale: scale, bias: bias, residual: residual)
}

/// Group normalisation: the statistics of each image, over the channels of a group.
///
/// y = activation((x - mean) / √(variance + epsilon) · scale + bias + residual) (Wu and He, 2018).
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
  ).apply(to: x, scale: scale, bias: bias, residual: residual)
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
  let normal = standardized(x, epsilon: epsilon)
  let scaled = scale.map { normal * $0 } ?? normal
  return bias.map { scaled + $0 } ?? scaled
}

/// (x - mean) / √(variance + epsilon) along the last axis.
private func standardized(_ x: Tensor, epsilon: Float) -> Tensor {
  let (values, last) = (x.detached, [x.rank - 1])
  let centred = values - values.mean(axes: last, keepingAxes: true)
  let r = rsqrt(square(centred).mean(axes: last, keepingAxes: true) + epsilon)
  let y = centred * r
  return y.recorded(from: [x], operation: "layerNorm") { gradient, _ in
    let level = gradient.mean(axes: last, keepingAxes: true)
    let slope = (gradient * y).mean(axes: last, keepingAxes: true)
    return [(gradient - level - y * slope) * r]  // r · (g - mean(g) - y · mean(g · y))
  }
}

/// One normalisation with its statistics, and the gradient that all of them share.
private struct Normalization: Sendable {
  let geometry: NormalizationGeometry
  let mean: [Double]
  let variance: [Double]
  let epsilon: Float
  /// Whether the statistics are given rather than computed from the values.
  let isFixed: Bool
  let activation: Activation
  let operation: String

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
    var (factor, offset): ([Float], [Float]) = ([], [])
    for index in 0..<geometry.samples * channels {
      let (channel, group) = (index % channels, group(of: index))
      let scaled = Double(gamma[channel]) * reciprocal(group)
      factor.append(Float(scaled))
      offset.append(Float(Double(beta[channel]) - scaled * mean[group]))
    }
    let y = affine(
      x, factor: factor, offset: offset, residual: residual, activation: activation, geometry)
    let none = Tensor.zeros([0])
    return y.recorded(
      from: [x, scale ?? none, bias ?? none, residual ?? none], operation: operation
    ) { gradient, wanted in
      pullback(gradient, x: x, gamma: gamma, output: activation == .relu ? y : nil, wanted: wanted)
    }
  }

  /// With x̂ = (x - μ) · r, r = 1/√(σ² + ε) and g the gradient that passed the activation:
  /// dγ = Σ g · x̂, dβ = Σ g, dx = r · (γg - mean(γg) - x̂ · mean(γg · x̂)), dresidual = g;
  /// the two means vanish when the statistics are given.
  private func pullback(
    _ gradient: Tensor, x: Tensor, gamma: [Float], output: Tensor?, wanted: [Bool]
  ) -> [Tensor?] {
    let (samples, channels) = (geometry.samples, geometry.channels)
    let centre = (0..<samples * channels).map { Float(mean[group(of: $0)]) }
    // g · x̂ is taken about the rounded centre; the difference to the mean goes back in below.
    let sums = gradientSums(gradient, x, centre: centre, output: output, geometry)
    var (dGamma, dBeta) = ([Double](repeating: 0, count: channels), [Double]())
    dBeta = dGamma
    var (meanOfGradient, meanOfProduct) = (
      [Double](repeating: 0, count: mean.count), [Double](repeating: 0, count: mean.count)
    )
    for index in 0..<samples * channels {
      let (channel, group) = (index % channels, group(of: index))
      let shifted = Double(centre[index]) - mean[group]
      let product =
        (sums.products[index] + shifted * sums.gradients[index]) * reciprocal(group)
      dGamma[channel] += product
      dBeta[channel] += sums.gradients[index]
      let weight = Double(gamma[channel]) / Double(geometry.groupCount)
      meanOfGradient[group] += weight * sums.gradients[index]
      meanOfProduct[group] += weight * product
    }
    let needsInput = wanted[0] || wanted[3]
    let result =
      needsInput
      ? inputGradient(
        gradient, x, output: output,
        coefficients(gamma, meanOfGradient, meanOfProduct), keepsGradient: wanted[3], geometry)
      : nil
    return [
      wanted[0] ? result?.input : nil,
      wanted[1] ? Tensor(dGamma.map { Float($0) }) : nil,
      wanted[2] ? Tensor(dBeta.map { Float($0) }) : nil,
      result?.residual,
    ]
  }

  private func coefficients(
    _ gamma: [Float], _ meanOfGradient: [Double], _ meanOfProduct: [Double]
  ) -> GradientCoefficients {
    var result = GradientCoefficients(ofGradient: [], ofValue: [], constant: [])
    for index in 0..<geometry.samples * geometry.channels {
      let group = group(of: index)
      let r = reciprocal(group)
      let slope = isFixed ? 0 : -r * r * meanOfProduct[group]
      let level = isFixed ? 0 : -r * meanOfGradient[group]
      result.ofGradient.append(Float(r * Double(gamma[index % geometry.channels])))
      result.ofValue.append(Float(slope))
      result.constant.append(Float(level - slope * mean[group]))
    }
    return result
  }

  private func reciprocal(_ group: Int) -> Double {
    1 / (variance[group] + Double(epsilon)).squareRoot()
  }

  /// The group of a sample's channel, both counted in `index`.
  private func group(of index: Int) -> Int {
    let width = geometry.channels / geometry.groups
    return index / geometry.channels * geometry.groups + index % geometry.channels / width
  }
}
