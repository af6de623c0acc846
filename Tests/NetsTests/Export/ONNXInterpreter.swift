import Foundation
import Tensor

/// Runs a model node by node, as the operators' text says, slowly.
struct ONNXInterpreter {
  private var floats: [String: Tensor] = [:]
  private var integers: [String: [Int]] = [:]
  let model: ReadModel

  struct Unknown: Error { let type: String }

  init(_ model: ReadModel) {
    self.model = model
    for (name, numbers) in model.initializers {
      switch numbers {
      case .floats(let values, let shape): floats[name] = Tensor(values, shape: TensorShape(shape))
      case .integers(let values, _): integers[name] = values
      }
    }
  }

  /// What the model gives for its input.
  func callAsFunction(_ input: Tensor) throws -> Tensor {
    var run = self
    run.floats[model.input.name] = input
    for node in model.nodes { try run.run(node) }
    return run.floats[model.output.name] ?? .zeros([])
  }

  private mutating func run(_ node: ReadModel.Node) throws {
    let x = node.inputs.first.flatMap { floats[$0] } ?? .zeros([])
    let rest = node.inputs.dropFirst().map { floats[$0] ?? .zeros([]) }
    switch node.type {
    case "Shape": integers[node.output] = x.shape.dimensions
    case "Gather" where integers[node.inputs[0]] != nil:
      integers[node.output] = ints(node, 1).map { ints(node, 0)[$0] }
    case "Mul" where integers[node.inputs[0]] != nil:
      integers[node.output] = zip(ints(node, 0), ints(node, 1)).map { $0 * $1 }
    case "Concat" where integers[node.inputs[0]] != nil:
      integers[node.output] = node.inputs.indices.flatMap { ints(node, $0) }
    default:
      guard
        let result = Self.eachElement(node, x, rest)
          ?? Self.layer(node, x, rest) ?? Self.reduction(node, x, integers[node.inputs.last ?? ""])
          ?? movement(node, x, rest)
      else { throw Unknown(type: node.type) }
      floats[node.output] = result
    }
  }

  private func ints(_ node: ReadModel.Node, _ position: Int) -> [Int] {
    position < node.inputs.count ? integers[node.inputs[position]] ?? [] : []
  }

  // MARK: - Each element

  private static let functions: [String: @Sendable (Float) -> Float] = [
    "Relu": { max(0, $0) }, "Sigmoid": { 1 / (1 + exp(-$0)) }, "Tanh": { tanhf($0) },
    "Softplus": { $0 > 20 ? $0 : log1pf(expf($0)) }, "Neg": { -$0 }, "Abs": { abs($0) },
    "Exp": { expf($0) }, "Log": { logf($0) }, "Sqrt": { $0.squareRoot() }, "Sin": { sinf($0) },
    "Cos": { cosf($0) }, "Erf": { erff($0) }, "Reciprocal": { 1 / $0 }, "Identity": { $0 },
  ]

  private static let pairs: [String: @Sendable (Float, Float) -> Float] = [
    "Add": (+), "Sub": (-), "Mul": (*), "Div": (/), "Max": { max($0, $1) }, "Min": { min($0, $1) },
    "Pow": { powf($0, $1) }, "Greater": { $0 > $1 ? 1 : 0 }, "Less": { $0 < $1 ? 1 : 0 },
    "GreaterOrEqual": { $0 >= $1 ? 1 : 0 }, "LessOrEqual": { $0 <= $1 ? 1 : 0 },
    "Equal": { $0 == $1 ? 1 : 0 },
  ]

  private static func eachElement(
    _ node: ReadModel.Node, _ x: Tensor, _ rest: [Tensor]
  ) -> Tensor? {
    if let function = functions[node.type] { return map([x]) { function($0[0]) } }
    if let function = pairs[node.type] { return map([x, rest[0]]) { function($0[0], $0[1]) } }
    switch node.type {
    case "LeakyRelu":
      let alpha = node.floats["alpha"] ?? 0.01
      return map([x]) { $0[0] < 0 ? alpha * $0[0] : $0[0] }
    case "Elu":
      let alpha = node.floats["alpha"] ?? 1
      return map([x]) { $0[0] < 0 ? alpha * (expf($0[0]) - 1) : $0[0] }
    case "Clip":
      return map([x] + rest) { min(max($0[0], $0[1]), $0.count > 2 ? $0[2] : .infinity) }
    case "Cast":
      return node.integers["to"] == [9] ? map([x]) { $0[0] != 0 ? 1 : 0 } : x
    case "Where": return map([x] + rest) { $0[0] != 0 ? $0[1] : $0[2] }
    default: return nil
    }
  }

  /// A function of the elements of tensors that broadcast.
  private static func map(_ tensors: [Tensor], _ function: ([Float]) -> Float) -> Tensor {
    let rank = tensors.map(\.rank).max() ?? 0
    let shapes = tensors.map { [Int](repeating: 1, count: rank - $0.rank) + $0.shape.dimensions }
    let shape = (0..<rank).map { axis in shapes.map { $0[axis] }.max { $0 < $1 } ?? 1 }
    let values = tensors.map(\.scalars)
    let count = shape.reduce(1, *)
    let results = (0..<count).map { index in
      function(
        zip(shapes, values).map { own, values in
          var (rest, place, step) = (index, 0, 1)
          for axis in (0..<rank).reversed() {
            if own[axis] != 1 { place += rest % shape[axis] * step }
            rest /= shape[axis]
            step *= own[axis]
          }
          return values[place]
        })
    }
    return Tensor(results, shape: TensorShape(shape))
  }

  // MARK: - Layers

  private static func layer(_ node: ReadModel.Node, _ x: Tensor, _ rest: [Tensor]) -> Tensor? {
    let epsilon = node.floats["epsilon"] ?? 1e-5
    switch node.type {
    case "Conv", "ConvTranspose":
      return convolution(node, x, rest[0], rest.count > 1 ? rest[1] : nil)
    case "MaxPool", "AveragePool":
      return inOurOrder(x) { images in
        let (window, stride) = (size(node, "kernel_shape"), size(node, "strides"))
        return node.type == "MaxPool"
          ? maxPool(images, window: window, stride: stride, padding: size(node, "pads"))
          : averagePool(images, window: window, stride: stride, padding: size(node, "pads"))
      }
    case "GlobalAveragePool": return x.mean(axes: [2, 3], keepingAxes: true)
    case "Resize": return resize(node, x, scales: rest[1].scalars)
    case "MatMul": return matmul(x, rest[0])
    case "Gemm":
      let product = matmul(x, node.integers["transB"] == [1] ? rest[0].transposed() : rest[0])
      return rest.count > 1 ? product + rest[1] : product
    case "BatchNormalization":
      let column = TensorShape([x.shape[1]] + [Int](repeating: 1, count: x.rank - 2))
      let parts = rest.map { $0.reshaped(column) }
      return (x - parts[2]) / sqrt(parts[3] + epsilon) * parts[0] + parts[1]
    case "InstanceNormalization":
      let column = TensorShape([x.shape[1]] + [Int](repeating: 1, count: x.rank - 2))
      let normal = standardized(x, Array(2..<x.rank), epsilon)
      return normal * rest[0].reshaped(column) + rest[1].reshaped(column)
    case "LayerNormalization":
      let normal = standardized(x, [x.rank - 1], epsilon) * rest[0]
      return rest.count > 1 ? normal + rest[1] : normal
    case "Softmax", "LogSoftmax":
      let axis = node.integers["axis"]?[0] ?? -1
      let logs = x - x.logSumExp(axis: axis, keepingAxes: true)
      return node.type == "Softmax" ? exp(logs) : logs
    default: return nil
    }
  }

  private static func standardized(_ x: Tensor, _ axes: [Int], _ epsilon: Float) -> Tensor {
    let centred = x - x.mean(axes: axes, keepingAxes: true)
    return centred / sqrt(square(centred).mean(axes: axes, keepingAxes: true) + epsilon)
  }

  private static func inOurOrder(_ x: Tensor, _ body: (Tensor) -> Tensor) -> Tensor {
    body(x.permuted([0, 2, 3, 1])).permuted([0, 3, 1, 2])
  }

  private static func size(_ node: ReadModel.Node, _ name: String) -> Size2D {
    let sides = node.integers[name] ?? [0, 0]
    return Size2D(height: sides[0], width: sides[1])
  }

  private static func convolution(
    _ node: ReadModel.Node, _ x: Tensor, _ weight: Tensor, _ bias: Tensor?
  ) -> Tensor {
    inOurOrder(x) { images in
      let weight = weight.permuted([0, 2, 3, 1])
      let (stride, padding) = (size(node, "strides"), size(node, "pads"))
      let (dilation, groups) = (size(node, "dilations"), node.integers["group"]?[0] ?? 1)
      return node.type == "Conv"
        ? Tensor.convolved(images, weight, bias, stride, padding, dilation, groups)
        : transposedConvolution(
          images, weight, bias: bias, stride: stride, padding: padding,
          outputPadding: size(node, "output_padding"), dilation: dilation, groups: groups)
    }
  }

  /// Each side on its own; positions and weights as the operator's text has them.
  private static func resize(_ node: ReadModel.Node, _ x: Tensor, scales: [Float]) -> Tensor {
    var result = x
    for axis in 2...3 {
      let old = result.shape[axis]
      let new = Int((Double(old) * Double(scales[axis])).rounded(.down))
      var matrix = [Float](repeating: 0, count: new * old)
      for target in 0..<new {
        for (source, weight) in taps(node, target, scales[axis]) {
          matrix[target * old + min(max(source, 0), old - 1)] += weight
        }
      }
      let weights = Tensor(matrix, shape: [new, old])
      result =
        axis == 2 ? matmul(weights, result) : matmul(result, weights.transposed())
    }
    return result
  }

  private static func taps(
    _ node: ReadModel.Node, _ target: Int, _ scale: Float
  ) -> [(source: Int, weight: Float)] {
    if node.strings["mode"] == "nearest" {
      return [(Int((Float(target) / scale).rounded(.down)), 1)]
    }
    let position = (Float(target) + 0.5) / scale - 0.5
    let (below, share) = (Int(position.rounded(.down)), position - position.rounded(.down))
    guard node.strings["mode"] == "cubic" else { return [(below, 1 - share), (below + 1, share)] }
    let a: Float = -0.75
    func near(_ x: Float) -> Float { ((a + 2) * x - (a + 3)) * x * x + 1 }
    func far(_ x: Float) -> Float { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    return [
      (below - 1, far(share + 1)), (below, near(share)), (below + 1, near(1 - share)),
      (below + 2, far(2 - share)),
    ]
  }

  // MARK: - Along axes

  private static func reduction(
    _ node: ReadModel.Node, _ x: Tensor, _ given: [Int]?
  ) -> Tensor? {
    guard node.type.hasPrefix("Reduce") else { return nil }
    let axes = node.integers["axes"] ?? given ?? []
    let keeps = node.integers["keepdims"] != [0]
    switch node.type {
    case "ReduceSum": return x.sum(axes: axes, keepingAxes: keeps)
    case "ReduceMean": return x.mean(axes: axes, keepingAxes: keeps)
    case "ReduceMax": return x.max(axes: axes, keepingAxes: keeps)
    case "ReduceMin": return x.min(axes: axes, keepingAxes: keeps)
    case "ReduceL2": return sqrt(square(x).sum(axes: axes, keepingAxes: keeps))
    case "ReduceLogSumExp": return log(exp(x).sum(axes: axes, keepingAxes: keeps))
    default: return nil
    }
  }

  private func movement(_ node: ReadModel.Node, _ x: Tensor, _ rest: [Tensor]) -> Tensor? {
    switch node.type {
    case "Reshape":
      return x.reshaped(ints(node, 1).enumerated().map { $1 == 0 ? x.shape[$0] : $1 })
    case "Unsqueeze":
      var sizes = x.shape.dimensions
      for place in ints(node, 1).sorted() { sizes.insert(1, at: place) }
      return x.reshaped(sizes)
    case "Transpose": return x.permuted(node.integers["perm"] ?? [])
    case "Expand":
      return Self.map([x, .zeros(TensorShape(ints(node, 1)))]) { $0[0] }
    case "Concat": return concatenated([x] + rest, axis: node.integers["axis"]?[0] ?? 0)
    case "Gather":
      let order = Self.exchanging(0, node.integers["axis"]?[0] ?? 0, x.rank)
      return x.permuted(order).indexSelect(ints(node, 1)).permuted(order)
    case "Slice": return slice(node, x)
    case "Pad":
      let widths = ints(node, 1)
      return x.padded(
        (0..<x.rank).map { (widths[$0], widths[$0 + x.rank]) }, value: rest[1].item)
    default: return nil
    }
  }

  private static func exchanging(_ a: Int, _ b: Int, _ rank: Int) -> [Int] {
    var order = Array(0..<rank)
    order.swapAt(a, b)
    return order
  }

  private func slice(_ node: ReadModel.Node, _ x: Tensor) -> Tensor {
    var result = x
    let steps = ints(node, 4)
    for (position, axis) in ints(node, 3).enumerated() {
      let (start, end) = (ints(node, 1)[position], ints(node, 2)[position])
      let order = Self.exchanging(0, axis, x.rank)
      let entries =
        steps.isEmpty
        ? Array(start..<min(end, result.shape[axis])) : (0..<result.shape[axis]).reversed()
      result = result.permuted(order).indexSelect(entries).permuted(order)
    }
    return result
  }
}

extension Tensor {
  fileprivate static func convolved(
    _ images: Tensor, _ weight: Tensor, _ bias: Tensor?, _ stride: Size2D, _ padding: Size2D,
    _ dilation: Size2D, _ groups: Int
  ) -> Tensor {
    convolution(
      images, weight, bias: bias, stride: stride, padding: padding, dilation: dilation,
      groups: groups)
  }
}
