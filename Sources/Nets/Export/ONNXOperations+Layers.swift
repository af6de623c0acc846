import Tensor

// MARK: - Images

extension ONNXStep {
  /// A convolution, or a transposed one if it has an output padding.
  func convolution(
    _ window: ConvolutionWindow, _ outputPadding: Size2D?, _ graph: inout Builder
  ) -> Builder.Value {
    let images = graph.name(of: inputs[0], order: Builder.channelsFirst)
    let weight = graph.name(of: inputs[1], order: Builder.channelsFirst)
    let bias = has(2) ? [graph.name(of: inputs[2], order: [0])] : []
    var attributes: Attributes = [
      ("kernel_shape", .integers(kernelSizes(graph))),
      ("strides", .integers(window.stride.sides)),
      ("pads", .integers(window.padding.sides + window.padding.sides)),
      ("dilations", .integers(window.dilation.sides)),
      ("group", .integer(window.groups)),
    ]
    if let outputPadding {
      attributes.append(("output_padding", .integers(outputPadding.sides)))
    }
    let type = outputPadding == nil ? "Conv" : "ConvTranspose"
    return result(graph.node(type, [images, weight] + bias, attributes), Builder.channelsFirst)
  }

  private func kernelSizes(_ graph: Builder) -> [Int] {
    Array(graph.shape(of: inputs[1]).reshapeTarget[1...2])
  }

  func pool(
    _ type: String, _ window: Size2D, _ stride: Size2D, _ padding: Size2D, _ graph: inout Builder
  ) -> Builder.Value {
    let images = graph.name(of: inputs[0], order: Builder.channelsFirst)
    var attributes: Attributes = [
      ("kernel_shape", .integers(window.sides)), ("strides", .integers(stride.sides)),
      ("pads", .integers(padding.sides + padding.sides)),
    ]
    if type == "AveragePool" { attributes.append(("count_include_pad", .integer(1))) }
    return result(graph.node(type, [images], attributes), Builder.channelsFirst)
  }

  func resize(
    _ interpolation: Interpolation, _ antialias: Bool, _ graph: inout Builder
  ) -> Builder.Value {
    let images = graph.name(of: inputs[0], order: Builder.channelsFirst)
    let old = Array(graph.shape(of: inputs[0]).reshapeTarget[1...2])
    let new = Array(step.shape.reshapeTarget[1...2])
    let enlarges = zip(old, new).allSatisfy { $1.isMultiple(of: $0) }
    // Where the operator could take another pixel, or has no such curve, the weights of all pixels
    // are given.
    guard interpolation == .nearest ? enlarges : !antialias else {
      let rows = resampling(old[0], new[0], interpolation, antialias)
      let columns = resampling(old[1], new[1], interpolation, antialias)
      let tall = graph.node("MatMul", [graph.name(of: .constant(rows), order: [0, 1]), images])
      let name = graph.node("MatMul", [tall, graph.name(of: .constant(columns), order: [1, 0])])
      return result(name, Builder.channelsFirst)
    }
    var attributes: Attributes = [("mode", .string(Self.mode(interpolation)))]
    if interpolation == .nearest {
      attributes += [
        ("coordinate_transformation_mode", .string("asymmetric")),
        ("nearest_mode", .string("floor")),
      ]
    } else {
      attributes.append(("coordinate_transformation_mode", .string("half_pixel")))
    }
    let scales = zip(old, new).map { Self.scale($0, $1) }
    let factors = graph.name(of: .constant(Tensor([1, 1] + scales)), order: [0])
    return result(
      graph.node("Resize", [images, "", factors], attributes), Builder.channelsFirst)
  }

  /// new / old, not below it: the operator rounds old · scale down.
  private static func scale(_ old: Int, _ new: Int) -> Float {
    let scale = Float(new) / Float(old)
    return Double(old) * Double(scale) < Double(new) ? scale.nextUp : scale
  }

  private static func mode(_ interpolation: Interpolation) -> String {
    switch interpolation {
    case .nearest: "nearest"
    case .bilinear: "linear"
    case .bicubic: "cubic"
    }
  }

  /// The weight of each pixel of a line in each pixel of the resized line: [new, old].
  private func resampling(
    _ old: Int, _ new: Int, _ interpolation: Interpolation, _ antialias: Bool
  ) -> Tensor {
    let line = Tensor.identity(old).reshaped([1, old, 1, old])
    return resized(
      line, to: Size2D(height: new, width: 1), interpolation: interpolation, antialias: antialias
    ).reshaped([new, old])
  }
}

extension Size2D {
  fileprivate var sides: [Int] { [height, width] }
}

// MARK: - Products

extension ONNXStep {
  func matmul(_ graph: inout Builder) -> Builder.Value {
    let names = inputs.map { source in
      graph.name(of: source, order: Array(0..<graph.shape(of: source).rank))
    }
    return result(graph.node("MatMul", names), Array(0..<step.shape.rank))
  }

  func linear(_ graph: inout Builder) -> Builder.Value {
    let order = Array(0..<step.shape.rank)
    let x = graph.name(of: inputs[0], order: order)
    let bias = has(2) ? [graph.name(of: inputs[2], order: [0])] : []
    guard step.shape.rank != 2 else {
      let weight = graph.name(of: inputs[1], order: [0, 1])
      return result(
        graph.node("Gemm", [x, weight] + bias, [("transB", .integer(1))]), order)
    }
    let product = graph.node("MatMul", [x, graph.name(of: inputs[1], order: [1, 0])])
    return result(bias.isEmpty ? product : graph.node("Add", [product] + bias), order)
  }
}

// MARK: - Normalisation

extension ONNXStep {
  func batchNorm(
    _ epsilon: Float, _ activation: Activation, _ graph: inout Builder
  ) throws -> Builder.Value {
    guard step.shape.rank >= 2 else {
      throw ONNXExportError(
        layer: step.layer, operation: step.name, "needs an axis in front of the channels there")
    }
    let order = channelsFirst(rank: step.shape.rank)
    let x = graph.name(of: inputs[0], order: order)
    let channels = graph.shape(of: inputs[1]).reshapeTarget[0]
    let scale = vector(3, else: 1, count: channels, &graph)
    let bias = vector(4, else: 0, count: channels, &graph)
    let statistics = inputs[1...2].map { graph.name(of: $0, order: [0]) }
    let name = graph.node(
      "BatchNormalization", [x, scale, bias] + statistics, [("epsilon", .float(epsilon))])
    return result(finished(name, residual: 5, activation, order: order, &graph), order)
  }

  /// The operators of this version know the normalisation of single channels: groups stand for them.
  func groupNorm(
    _ groups: Int, _ epsilon: Float, _ activation: Activation, _ graph: inout Builder
  ) -> Builder.Value {
    let order = channelsFirst(rank: step.shape.rank)
    let x = graph.name(of: inputs[0], order: order)
    // Zero keeps the size that is there.
    let grouped = graph.node("Reshape", [x, graph.integers([0, groups, -1])])
    let normal = graph.node(
      "InstanceNormalization",
      [grouped, graph.numbers(1, count: groups), graph.numbers(0, count: groups)],
      [("epsilon", .float(epsilon))])
    let sizes = step.shape.permuted(order).reshapeTarget
    var name = graph.node("Reshape", [normal, graph.integers(sizes)])
    for (position, type) in [(1, "Mul"), (2, "Add")] where has(position) {
      name = graph.node(type, [name, graph.broadcasting(inputs[position], order: order)])
    }
    return result(finished(name, residual: 3, activation, order: order, &graph), order)
  }

  func layerNorm(_ epsilon: Float, _ graph: inout Builder) -> Builder.Value {
    let order = Array(0..<step.shape.rank)
    let x = graph.name(of: inputs[0], order: order)
    let features = step.shape.reshapeTarget[step.shape.rank - 1]
    let scale = vector(1, else: 1, count: features, &graph)
    let bias = has(2) ? [graph.name(of: inputs[2], order: [0])] : []
    return result(
      graph.node(
        "LayerNormalization", [x, scale] + bias,
        [("axis", .integer(-1)), ("epsilon", .float(epsilon))]), order)
  }
}
