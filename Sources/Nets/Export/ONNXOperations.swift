import Tensor

extension ONNXGraphBuilder {
  /// Adds the nodes of a step.
  ///
  /// - Throws: ``ONNXExportError`` if the operators of ONNX do not have it.
  mutating func add(_ step: TracedNetwork.Step) throws {
    layer = step.layer
    let writer = ONNXStep(step)
    append(try writer.write(into: &self))
  }
}

/// One step, and how it becomes nodes.
struct ONNXStep {
  typealias Builder = ONNXGraphBuilder
  typealias Attributes = [(name: String, value: ONNXNode.Attribute)]

  let step: TracedNetwork.Step
  var inputs: [TracedNetwork.Source] { step.inputs }

  init(_ step: TracedNetwork.Step) { self.step = step }

  func write(into graph: inout Builder) throws -> Builder.Value {
    switch step.operation {
    case .elementwise(let function): elementwise(function, &graph)
    case .leakyReLU(let slope):
      unary(&graph) { $1.node("LeakyRelu", [$0], [("alpha", .float(slope))]) }
    case .elu(let alpha): unary(&graph) { $1.node("Elu", [$0], [("alpha", .float(alpha))]) }
    case .power(let exponent): unary(&graph) { $1.node("Pow", [$0, $1.number(exponent)]) }
    case .clamp(let range):
      unary(&graph) {
        $1.node("Clip", [$0, $1.number(range.lowerBound), $1.number(range.upperBound)])
      }
    case .binary(let function): binary(function, &graph)
    case .binaryWithNumber(let function, let number, let isFirst):
      unary(&graph) { name, graph in
        let number = graph.number(number)
        return combined(function, isFirst ? [number, name] : [name, number], &graph)
      }
    case .select: select(&graph)
    case .convolution(let window): convolution(window, nil, &graph)
    case .transposedConvolution(let window, let padding): convolution(window, padding, &graph)
    case .maxPool(let window, let stride, let padding):
      pool("MaxPool", window, stride, padding, &graph)
    case .averagePool(let window, let stride, let padding):
      pool("AveragePool", window, stride, padding, &graph)
    case .resize(let interpolation, let antialias): resize(interpolation, antialias, &graph)
    case .matmul: matmul(&graph)
    case .linear: linear(&graph)
    case .batchNorm(let epsilon, let activation): try batchNorm(epsilon, activation, &graph)
    case .groupNorm(let groups, let epsilon, let activation):
      groupNorm(groups, epsilon, activation, &graph)
    case .layerNorm(let epsilon): layerNorm(epsilon, &graph)
    case .reduce(let function, let axes, let keepingAxes):
      reduce(function, axes, keepingAxes, &graph)
    case .l2Normalize(let axis, let epsilon): l2Normalize(axis, epsilon, &graph)
    case .softmax: alongLast("Softmax", &graph)
    case .logSoftmax: alongLast("LogSoftmax", &graph)
    case .reshape: try reshape(&graph)
    case .permute(let axes): permute(axes, &graph)
    case .broadcast: broadcast(&graph)
    case .flip(let axes): flip(axes, &graph)
    case .pad(let before, let after, let value): pad(before, after, value, &graph)
    case .crop(let starts): try crop(starts, &graph)
    case .indexSelect(let indices): indexSelect(indices, &graph)
    case .concatenate(let axis): concatenate(axis, &graph)
    }
  }

  // MARK: - Parts

  /// The order in which the first input lies in the graph.
  func order(_ graph: Builder) -> [Int] {
    if case .value(let number) = inputs[0] { return graph.values[number].order }
    return Array(0..<graph.shape(of: inputs[0]).rank)
  }

  /// The first input's order if it is the wanted one, after which channels follow the count.
  func channelsFirst(rank: Int) -> [Int] { [0, rank - 1] + Array(1..<rank - 1) }

  /// The result under a name and in an order.
  func result(_ name: String, _ order: [Int]) -> Builder.Value {
    Builder.Value(name: name, order: order, shape: step.shape)
  }

  /// The first input, in any order, through some nodes that keep its axes.
  func unary(
    _ graph: inout Builder, _ write: (String, inout Builder) -> String
  ) -> Builder.Value {
    let order = order(graph)
    let name = graph.name(of: inputs[0], order: order)
    return result(write(name, &graph), order)
  }

  /// Whether an input is there: one that an operation does without is empty.
  func has(_ position: Int) -> Bool {
    guard position < inputs.count else { return false }
    if case .constant(let tensor) = inputs[position] { return tensor.elementCount > 0 }
    return true
  }

  /// An input of shape [channels], or so many of one number where there is none.
  func vector(_ position: Int, else number: Float, count: Int, _ graph: inout Builder) -> String {
    has(position)
      ? graph.name(of: inputs[position], order: [0]) : graph.numbers(number, count: count)
  }

  /// The residual and the activation at the end of a fused operation.
  func finished(
    _ name: String, residual position: Int, _ activation: Activation, order: [Int],
    _ graph: inout Builder
  ) -> String {
    var name = name
    if has(position) {
      name = graph.node("Add", [name, graph.name(of: inputs[position], order: order)])
    }
    return activation == .relu ? graph.node("Relu", [name]) : name
  }
}

// MARK: - Each element

extension ONNXStep {
  func elementwise(
    _ function: ElementwiseFunction, _ graph: inout Builder
  ) -> Builder.Value {
    unary(&graph) { x, graph in
      switch function {
      case .relu: return graph.node("Relu", [x])
      case .sigmoid: return graph.node("Sigmoid", [x])
      case .tanh: return graph.node("Tanh", [x])
      case .softplus: return graph.node("Softplus", [x])
      case .negate: return graph.node("Neg", [x])
      case .abs: return graph.node("Abs", [x])
      case .exp: return graph.node("Exp", [x])
      case .log: return graph.node("Log", [x])
      case .sqrt: return graph.node("Sqrt", [x])
      case .sin: return graph.node("Sin", [x])
      case .cos: return graph.node("Cos", [x])
      case .square: return graph.node("Mul", [x, x])
      case .silu: return graph.node("Mul", [x, graph.node("Sigmoid", [x])])
      case .rsqrt: return graph.node("Reciprocal", [graph.node("Sqrt", [x])])
      case .log1p: return graph.node("Log", [graph.node("Add", [x, graph.number(1)])])
      case .gelu:
        // x · (1 + erf(x / √2)) / 2
        let erf = graph.node("Erf", [graph.node("Div", [x, graph.number(1.414_213_6)])])
        let product = graph.node("Mul", [x, graph.node("Add", [erf, graph.number(1)])])
        return graph.node("Mul", [product, graph.number(0.5)])
      }
    }
  }

  /// The node of a function of two values that broadcast as they are.
  func combined(
    _ function: BinaryFunction, _ names: [String], _ graph: inout Builder
  ) -> String {
    let (type, isComparison) =
      switch function {
      case .add: ("Add", false)
      case .subtract: ("Sub", false)
      case .multiply: ("Mul", false)
      case .divide: ("Div", false)
      case .maximum: ("Max", false)
      case .minimum: ("Min", false)
      case .greater: ("Greater", true)
      case .less: ("Less", true)
      case .greaterOrEqual: ("GreaterOrEqual", true)
      case .lessOrEqual: ("LessOrEqual", true)
      case .equal: ("Equal", true)
      }
    let result = graph.node(type, names)
    return isComparison ? graph.node("Cast", [result], [("to", .integer(1))]) : result
  }

  func binary(_ function: BinaryFunction, _ graph: inout Builder) -> Builder.Value {
    let (names, order) = graph.broadcasting(inputs, rank: step.shape.rank)
    return result(combined(function, names, &graph), order)
  }

  func select(_ graph: inout Builder) -> Builder.Value {
    let (names, order) = graph.broadcasting(inputs, rank: step.shape.rank)
    let mask = graph.node("Cast", [names[0]], [("to", .integer(9))])
    return result(graph.node("Where", [mask] + names.dropFirst()), order)
  }
}
