import Tensor

// MARK: - Along axes

extension ONNXStep {
  /// Where axes of the first input lie in the graph.
  private func places(_ axes: [Int], in order: [Int]) -> [Int] {
    axes.map { axis in order.firstIndex(of: axis) ?? 0 }
  }

  func reduce(
    _ function: ReductionFunction, _ axes: [Int], _ keepingAxes: Bool, _ graph: inout Builder
  ) -> Builder.Value {
    let order = order(graph)
    let x = graph.name(of: inputs[0], order: order)
    let kept = order.filter { !axes.contains($0) }
    let rest = kept.sorted()
    let newOrder = keepingAxes ? order : kept.map { axis in rest.firstIndex(of: axis) ?? 0 }
    if function == .mean, axes == [1, 2], keepingAxes, order == Builder.channelsFirst {
      return result(graph.node("GlobalAveragePool", [x]), order)
    }
    // A scalar has no axis to reduce over.
    guard !axes.isEmpty else { return result(x, newOrder) }
    let keeps = ("keepdims", ONNXNode.Attribute.integer(keepingAxes ? 1 : 0))
    let places = places(axes, in: order).sorted()
    let name =
      function == .sum
      ? graph.node("ReduceSum", [x, graph.integers(places)], [keeps])
      : graph.node(Self.type(function), [x], [("axes", .integers(places)), keeps])
    return result(name, newOrder)
  }

  private static func type(_ function: ReductionFunction) -> String {
    switch function {
    case .sum: "ReduceSum"
    case .mean: "ReduceMean"
    case .max: "ReduceMax"
    case .min: "ReduceMin"
    case .norm: "ReduceL2"
    case .logSumExp: "ReduceLogSumExp"
    }
  }

  func l2Normalize(_ axis: Int, _ epsilon: Float, _ graph: inout Builder) -> Builder.Value {
    let place = places([axis], in: order(graph))
    return unary(&graph) { x, graph in
      let length = graph.node(
        "ReduceL2", [x], [("axes", .integers(place)), ("keepdims", .integer(1))])
      return graph.node("Div", [x, graph.node("Clip", [length, graph.number(epsilon)])])
    }
  }

  /// A function of the vectors along the last axis.
  func alongLast(_ type: String, _ graph: inout Builder) -> Builder.Value {
    let place = places([step.shape.rank - 1], in: order(graph))[0]
    return unary(&graph) { $1.node(type, [$0], [("axis", .integer(place))]) }
  }
}

// MARK: - Movement

extension ONNXStep {
  func reshape(_ graph: inout Builder) throws -> Builder.Value {
    guard !step.shape.growsTwice else {
      throw ONNXExportError(
        layer: step.layer, operation: step.name,
        "makes a shape with two axes that grow with the batch")
    }
    let old = graph.shape(of: inputs[0])
    let order = order(graph)
    let long = order.filter { old.sizes[$0] != .fixed(1) }
    // Axes of size 1 may lie anywhere.
    let x = graph.name(of: inputs[0], order: long == long.sorted() ? order : Array(0..<old.rank))
    let target = Array(0..<step.shape.rank)
    if old == step.shape, order == target { return result(x, target) }
    return result(
      graph.node("Reshape", [x, graph.integers(step.shape.reshapeTarget)]), target)
  }

  /// No node: the axes of the same value under other numbers.
  func permute(_ axes: [Int], _ graph: inout Builder) -> Builder.Value {
    let order = order(graph)
    let x = graph.name(of: inputs[0], order: order)
    return result(x, order.map { axis in axes.firstIndex(of: axis) ?? 0 })
  }

  func broadcast(_ graph: inout Builder) -> Builder.Value {
    let (rank, old) = (step.shape.rank, graph.shape(of: inputs[0]))
    let order = old.rank == rank ? order(graph) : Array(0..<rank)
    let x = graph.broadcasting(inputs[0], order: order)
    guard old != step.shape else { return result(x, order) }
    // What grows already stays as it is.
    let sizes = step.shape.sizes.enumerated().map { axis, size in
      let position = axis - (rank - old.rank)
      return position >= 0 && old.sizes[position] == size ? BatchShape.Size.fixed(1) : size
    }
    let target = BatchShape(sizes).permuted(order)
    return result(graph.expanded(x, to: target), order)
  }

  func flip(_ axes: [Int], _ graph: inout Builder) -> Builder.Value {
    let places = places(axes, in: order(graph))
    return unary(&graph) { x, graph in
      let ends = graph.integers(axes.map { _ in Int.min + 1 })
      let back = graph.integers(axes.map { _ in -1 })
      return graph.node("Slice", [x, back, ends, graph.integers(places), back])
    }
  }

  func pad(
    _ before: [Int], _ after: [Int], _ value: Float, _ graph: inout Builder
  ) -> Builder.Value {
    let order = order(graph)
    return unary(&graph) { x, graph in
      let widths = graph.integers(order.map { before[$0] } + order.map { after[$0] })
      return graph.node("Pad", [x, widths, graph.number(value)])
    }
  }

  func crop(_ starts: [Int], _ graph: inout Builder) throws -> Builder.Value {
    let old = graph.shape(of: inputs[0])
    var (first, ends, axes): ([Int], [Int], [Int]) = ([], [], [])
    for axis in 0..<old.rank where old.sizes[axis] != step.shape.sizes[axis] {
      guard case .fixed(let count) = step.shape.sizes[axis] else {
        throw ONNXExportError(
          layer: step.layer, operation: step.name, "takes a part of the batch that grows with it")
      }
      first.append(starts[axis])
      ends.append(starts[axis] + count)
      axes.append(axis)
    }
    let places = places(axes, in: order(graph))
    return unary(&graph) { x, graph in
      axes.isEmpty
        ? x
        : graph.node(
          "Slice", [x, graph.integers(first), graph.integers(ends), graph.integers(places)])
    }
  }

  func indexSelect(_ indices: [Int], _ graph: inout Builder) -> Builder.Value {
    let place = places([0], in: order(graph))[0]
    return unary(&graph) {
      $1.node("Gather", [$0, $1.integers(indices)], [("axis", .integer(place))])
    }
  }

  func concatenate(_ axis: Int, _ graph: inout Builder) -> Builder.Value {
    let order = graph.commonOrder(of: inputs, rank: step.shape.rank)
    let names = inputs.map { graph.name(of: $0, order: order) }
    let place = places([axis], in: order)[0]
    return result(graph.node("Concat", names, [("axis", .integer(place))]), order)
  }
}
