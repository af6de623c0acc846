import Tensor

/// Writes the steps of a network as nodes of a graph.
///
/// Images are [count, height, width, channels] here and [count, channels, height, width] there.
/// Values keep the order in which their node gives them, and a permutation is a note of the order
/// rather than a node, so that a network of convolutions transposes nothing.
struct ONNXGraphBuilder {
  /// A value of the graph. Its axis i is axis `order[i]` of the tensor that it stands for.
  struct Value {
    let name: String
    let order: [Int]
    /// The shape of the tensor, in the tensor's own order.
    let shape: BatchShape
  }

  /// A tensor of the network's state.
  struct StateTensor {
    let name: String
    let layout: StateLayout
    let value: Tensor
  }

  /// The numbers of an initializer and the order of its axes.
  private struct ConstantKey: Hashable {
    let identity: Tensor.Identity
    let shape: TensorShape
    let order: [Int]
  }

  static let channelsFirst = [0, 3, 1, 2]

  private(set) var nodes: [ONNXNode] = []
  private(set) var initializers: [ONNXTensor] = []
  /// The value of each step before this one, with the input in front.
  private(set) var values: [Value]
  /// The layer whose steps are being written.
  var layer = ""
  private let state: [Tensor.Identity: StateTensor]
  /// Adapted values and initializers by what they are made from.
  private var adapted: [String: String] = [:]
  private var constants: [ConstantKey: String] = [:]
  private var names: Set<String> = []
  /// What anonymous constants are made from; it must live as long as the keys above.
  private var kept: [Tensor] = []

  init(input: Value, state: [StateTensor]) {
    values = [input]
    self.state = Dictionary(
      state.map { ($0.value.identity, $0) }, uniquingKeysWith: { first, _ in first })
    // Weights have their names before anything else can take one.
    names = Set(state.map(\.name) + [input.name, "output"])
  }

  mutating func append(_ value: Value) { values.append(value) }

  /// Takes a name that no other value has.
  private mutating func unique(_ name: String) -> String {
    guard !names.insert(name).inserted else { return name }
    for number in 1... where names.insert("\(name)_\(number)").inserted {
      return "\(name)_\(number)"
    }
    return name
  }

  // MARK: - Nodes

  /// Adds a node and gives the name of its output.
  mutating func node(
    _ type: String, _ inputs: [String],
    _ attributes: [(name: String, value: ONNXNode.Attribute)] = []
  ) -> String {
    let name = unique(layer.isEmpty ? type : "\(layer)/\(type)")
    nodes.append(
      ONNXNode(type: type, name: name, inputs: inputs, output: name, attributes: attributes))
    return name
  }

  /// Calls the value of this name "output".
  mutating func finish(with name: String) {
    guard let producer = nodes.firstIndex(where: { $0.output == name }) else {
      nodes.append(
        ONNXNode(
          type: "Identity", name: "Identity", inputs: [name], output: "output", attributes: []))
      return
    }
    nodes[producer].output = "output"
    for index in nodes.indices {
      nodes[index].inputs = nodes[index].inputs.map { $0 == name ? "output" : $0 }
    }
  }

  // MARK: - Constants

  /// An initializer of integers, such as a shape.
  mutating func integers(_ numbers: [Int]) -> String {
    let key = "integers \(numbers)"
    if let name = adapted[key] { return name }
    let name = unique("integers")
    initializers.append(
      ONNXTensor(name: name, shape: [numbers.count], numbers: .integers(numbers)))
    adapted[key] = name
    return name
  }

  /// An initializer of one number.
  mutating func number(_ number: Float) -> String {
    let key = "number \(number.bitPattern)"
    if let name = adapted[key] { return name }
    let name = unique("number")
    initializers.append(ONNXTensor(name: name, shape: [], numbers: .floats(Tensor(number))))
    adapted[key] = name
    return name
  }

  /// An initializer of so many times one number.
  mutating func numbers(_ number: Float, count: Int) -> String {
    let key = "\(count) numbers \(number.bitPattern)"
    if let name = adapted[key] { return name }
    let name = unique("numbers")
    initializers.append(
      ONNXTensor(name: name, shape: [count], numbers: .floats(.full(number, [count]))))
    adapted[key] = name
    return name
  }

  /// An initializer that is not of the network's state, with its axes in `order`.
  private mutating func constant(_ tensor: Tensor, order: [Int]) -> String {
    let key = ConstantKey(identity: tensor.identity, shape: tensor.shape, order: order)
    if let name = constants[key] { return name }
    kept.append(tensor)
    let name = unique(layer.isEmpty ? "constant" : "\(layer).constant")
    initialize(name, with: tensor, order: order)
    constants[key] = name
    return name
  }

  /// A tensor of the network's state under its name and in its layout; nil if it is another.
  private mutating func stateValue(_ tensor: Tensor) -> Value? {
    guard let entry = state[tensor.identity], entry.value.shape == tensor.shape else { return nil }
    let order = entry.layout == .channelsFirst ? Self.channelsFirst : Array(0..<tensor.rank)
    let value = Value(
      name: entry.name, order: order, shape: BatchShape(tensor.shape.map { .fixed($0) }))
    let key = ConstantKey(identity: tensor.identity, shape: tensor.shape, order: order)
    guard constants[key] == nil else { return value }
    constants[key] = entry.name
    initialize(entry.name, with: tensor, order: order)
    return value
  }

  private mutating func initialize(_ name: String, with tensor: Tensor, order: [Int]) {
    let ordered = order == Array(0..<tensor.rank) ? tensor : tensor.permuted(order)
    initializers.append(
      ONNXTensor(name: name, shape: ordered.shape.dimensions, numbers: .floats(ordered)))
  }

  // MARK: - Operands

  /// The shape of a source, in the tensor's order.
  func shape(of source: TracedNetwork.Source) -> BatchShape {
    switch source {
    case .value(let number): values[number].shape
    case .constant(let tensor): BatchShape(tensor.shape.map { .fixed($0) })
    case .repeated(_, let shape): shape
    }
  }

  /// The value of the graph that a source is, if it has an order of its own.
  private mutating func value(of source: TracedNetwork.Source) -> Value? {
    switch source {
    case .value(let number): return values[number]
    case .constant(let tensor): return stateValue(tensor)
    case .repeated(let entry, let shape):
      let order = Array(0..<shape.rank)
      let name = expanded(constant(entry, order: order), to: shape)
      return Value(name: name, order: order, shape: shape)
    }
  }

  /// The name of a source with its axes in `order`.
  mutating func name(of source: TracedNetwork.Source, order: [Int]) -> String {
    if let value = value(of: source) { return name(of: value, order: order) }
    guard case .constant(let tensor) = source else { return "" }
    return constant(tensor, order: order)
  }

  /// The name of a value with its axes in `order`.
  mutating func name(of value: Value, order: [Int]) -> String {
    guard value.order != order else { return value.name }
    let key = "order \(order) \(value.shape.sizes) of \(value.name) \(value.order)"
    if let name = adapted[key] { return name }
    let target = value.shape.permuted(order)
    let name: String
    if value.order.filter(value.shape.isLong) == order.filter(value.shape.isLong),
      !value.shape.growsTwice
    {
      // Only axes of size 1 move.
      name =
        value.shape.permuted(value.order) == target
        ? value.name : node("Reshape", [value.name, integers(target.reshapeTarget)])
    } else {
      let axes = order.map { axis in value.order.firstIndex(of: axis) ?? 0 }
      name = node("Transpose", [value.name], [("perm", .integers(axes))])
    }
    adapted[key] = name
    return name
  }

  /// The names of sources that broadcast to `rank`, and the order of the axes of the result.
  mutating func broadcasting(
    _ sources: [TracedNetwork.Source], rank: Int
  ) -> (names: [String], order: [Int]) {
    let order = commonOrder(of: sources, rank: rank)
    return (sources.map { broadcasting($0, order: order) }, order)
  }

  /// The order in which values meet: one that an image has, if there is one among them.
  func commonOrder(of sources: [TracedNetwork.Source], rank: Int) -> [Int] {
    let identity = Array(0..<rank)
    for case .value(let number) in sources {
      let order = values[number].order
      if order.count == rank, order != identity { return order }
    }
    return identity
  }

  /// The name of a source that broadcasts with values whose axes are in `order`.
  mutating func broadcasting(_ source: TracedNetwork.Source, order: [Int]) -> String {
    let shape = shape(of: source)
    let missing = order.count - shape.rank
    let isScalar = shape.sizes.allSatisfy { $0 == .fixed(1) }
    if case .constant(let tensor) = source, missing > 0, !isScalar, state[tensor.identity] == nil {
      let sizes = [Int](repeating: 1, count: missing) + tensor.shape.dimensions
      return constant(tensor.reshaped(sizes), order: order)
    }
    // The order of the axes that the source has; the others are of size 1.
    let own = order.filter { $0 >= missing }.map { $0 - missing }
    let ordered = name(of: source, order: own)
    guard missing > 0, !isScalar else { return ordered }
    let padded = shape.padded(toRank: order.count).permuted(order)
    let leading = Array(padded.sizes.prefix(missing))
    guard
      !leading.allSatisfy({ $0 == .fixed(1) })
        || Array(padded.sizes.dropFirst(missing)) != shape.permuted(own).sizes
    else { return ordered }
    let places = order.indices.filter { order[$0] < missing }
    let key = "axes \(places) of \(ordered)"
    if let name = adapted[key] { return name }
    let name = node("Unsqueeze", [ordered, integers(places)])
    adapted[key] = name
    return name
  }

  /// A value repeated up to a shape.
  mutating func expanded(_ name: String, to shape: BatchShape) -> String {
    guard shape.sizes.contains(where: { if case .batches = $0 { true } else { false } }) else {
      return node("Expand", [name, integers(shape.reshapeTarget)])
    }
    let parts = shape.sizes.map { size in
      switch size {
      case .fixed(let count): integers([count])
      case .batches(let count): batches(count)
      }
    }
    let target = node("Concat", parts, [("axis", .integer(0))])
    return node("Expand", [name, target])
  }

  /// So many times the number of inputs, as a vector of one integer.
  private mutating func batches(_ count: Int) -> String {
    let key = "batches \(count)"
    if let name = adapted[key] { return name }
    let name: String
    if count == 1 {
      let shape = node("Shape", [values[0].name])
      name = node("Gather", [shape, integers([0])], [("axis", .integer(0))])
    } else {
      name = node("Mul", [batches(1), integers([count])])
    }
    adapted[key] = name
    return name
  }
}

extension BatchShape {
  /// Whether an axis is not of size 1.
  fileprivate func isLong(_ axis: Int) -> Bool { sizes[axis] != .fixed(1) }
}
