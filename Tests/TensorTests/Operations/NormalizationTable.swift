import Tensor

extension OperationTable {
  static let normalization: [OperationCheck] =
    NormalizationVariant.all.flatMap { variant in
      [
        batchNormRow(variant), batchNormOfPartsRow(variant), fixedBatchNormRow(variant),
        groupNormRow(variant, groups: 2),
      ]
    }
    + [
      groupNormRow(.init(isAffine: true), groups: 1),
      groupNormRow(.init(isAffine: true), groups: 4),
      layerNormRow(isAffine: false), layerNormRow(isAffine: true),
    ]

  private static let shapes = [[5, 2], [4, 1], [2, 3, 2, 3], [1, 3, 4, 1], [7, 1, 2]]

  private static func batchNormRow(_ variant: NormalizationVariant) -> OperationCheck {
    OperationCheck(
      "batchNorm(Tensor, scale:, bias:, epsilon:, activation:, residual:)", "\(variant)",
      on: shapes.map(variant.shapes),
      large: [variant.shapes([9, 30, 31, 6]), variant.shapes([6, 14, 13, 45])]
    ) { inputs in
      let parts = variant.parts(inputs)
      return batchNorm(
        inputs[0], scale: parts.scale, bias: parts.bias, activation: variant.activation,
        residual: parts.residual
      ).output
    } twin: { inputs in
      let parts = variant.parts(inputs)
      return Twin.normalized(inputs[0], scale: parts.scale, bias: parts.bias) { $0.suffix(1) }
        .finished(residual: parts.residual, isRectified: variant.activation == .relu)
    }
  }

  private static func batchNormOfPartsRow(_ variant: NormalizationVariant) -> OperationCheck {
    let count = 2
    return OperationCheck(
      "batchNorm(Tensor, parts:, scale:, bias:, epsilon:, activation:, residual:)", "\(variant)",
      on: [[10, 2], [8, 1], [2, 3, 2, 3], [4, 3, 4, 1]].map(variant.shapes),
      large: [variant.shapes([8, 30, 31, 6]), variant.shapes([6, 14, 13, 45])]
    ) { inputs in
      let parts = variant.parts(inputs)
      return batchNorm(
        inputs[0], parts: count, scale: parts.scale, bias: parts.bias,
        activation: variant.activation, residual: parts.residual
      ).output
    } twin: { inputs in
      let (parts, size) = (variant.parts(inputs), inputs[0].shape[0] / count)
      return Twin.normalized(inputs[0], scale: parts.scale, bias: parts.bias) {
        [$0[0] / size, $0[$0.count - 1]]
      }.finished(residual: parts.residual, isRectified: variant.activation == .relu)
    }
  }

  private static func fixedBatchNormRow(_ variant: NormalizationVariant) -> OperationCheck {
    OperationCheck(
      "batchNorm(Tensor, mean:, variance:, scale:, bias:, epsilon:, activation:, residual:)",
      "\(variant)", on: shapes.map(variant.shapes), large: [variant.shapes([9, 30, 31, 6])]
    ) { inputs in
      let (parts, channels) = (variant.parts(inputs), inputs[0].shape.last ?? 0)
      return batchNorm(
        inputs[0], mean: Tensor(means(channels)), variance: Tensor(variances(channels)),
        scale: parts.scale, bias: parts.bias, epsilon: 1e-3, activation: variant.activation,
        residual: parts.residual)
    } twin: { inputs in
      let (parts, channels) = (variant.parts(inputs), inputs[0].shape.last ?? 0)
      let mean = Twin([channels], values: means(channels).map(Double.init))
      let variance = Twin([channels], values: variances(channels).map(Double.init))
      let centred = Twin.zip(inputs[0], mean, -)
      let normal = Twin.zip(centred, variance) { $0 / ($1 + 1e-3).squareRoot() }
      return ((parts.scale.map { Twin.zip(normal, $0, *) } ?? normal) + parts.bias)
        .finished(residual: parts.residual, isRectified: variant.activation == .relu)
    }
  }

  private static func groupNormRow(_ variant: NormalizationVariant, groups: Int) -> OperationCheck {
    let shapes = [[2, 3, 2, 4], [1, 5, 4], [3, 2, 2, 8], [2, 1, 3, 4], [4, 8]]
    let usable = shapes.filter { $0.dropFirst().reduce(1, *) / groups > 2 }
    return OperationCheck(
      "groupNorm(Tensor, groups:, scale:, bias:, epsilon:, activation:, residual:)",
      "\(variant), \(groups) groups", on: usable.map(variant.shapes),
      large: [variant.shapes([5, 30, 31, 8])]
    ) { inputs in
      let parts = variant.parts(inputs)
      return groupNorm(
        inputs[0], groups: groups, scale: parts.scale, bias: parts.bias,
        activation: variant.activation, residual: parts.residual)
    } twin: { inputs in
      let (parts, channels) = (variant.parts(inputs), inputs[0].shape.last ?? 0)
      return Twin.normalized(inputs[0], scale: parts.scale, bias: parts.bias) {
        [$0[0], $0[$0.count - 1] / (channels / groups)]
      }.finished(residual: parts.residual, isRectified: variant.activation == .relu)
    }
  }

  private static func layerNormRow(isAffine: Bool) -> OperationCheck {
    let variant = NormalizationVariant(isAffine: isAffine)
    let shapes = [[4], [3, 5], [1, 7], [2, 1, 6], [2, 3, 2, 3]]
    return OperationCheck(
      "layerNorm(Tensor, scale:, bias:, epsilon:)", "\(variant)", on: shapes.map(variant.shapes),
      large: [variant.shapes([400, 130])]
    ) { inputs in
      let parts = variant.parts(inputs)
      return layerNorm(inputs[0], scale: parts.scale, bias: parts.bias)
    } twin: { inputs in
      let parts = variant.parts(inputs)
      return Twin.normalized(inputs[0], scale: parts.scale, bias: parts.bias) {
        Array($0.dropLast())
      }
    }
  }

  private static func means(_ channels: Int) -> [Float] {
    (0..<channels).map { Float($0) * 0.25 - 0.5 }
  }

  private static func variances(_ channels: Int) -> [Float] {
    (0..<channels).map { Float($0) * 0.5 + 0.75 }
  }
}

/// Which optional inputs a normalisation gets, after the values themselves.
struct NormalizationVariant: CustomStringConvertible, Sendable {
  var isAffine = false
  var hasResidual = false
  var activation: Activation = .identity

  static let all = [false, true].flatMap { isAffine in
    [false, true].flatMap { hasResidual in
      [Activation.identity, .relu].map {
        NormalizationVariant(isAffine: isAffine, hasResidual: hasResidual, activation: $0)
      }
    }
  }

  var description: String {
    "\(isAffine ? "affine" : "plain")\(hasResidual ? ", residual" : ""), \(activation)"
  }

  func shapes(_ shape: [Int]) -> [[Int]] {
    let vector = Array(shape.suffix(1))
    return [shape] + (isAffine ? [vector, vector] : []) + (hasResidual ? [shape] : [])
  }

  func parts<Values>(_ inputs: [Values]) -> (scale: Values?, bias: Values?, residual: Values?) {
    (
      isAffine ? inputs[1] : nil, isAffine ? inputs[2] : nil,
      hasResidual ? inputs[inputs.count - 1] : nil
    )
  }
}
