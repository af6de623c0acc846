import Tensor

/// What a network computes of a batch of any size, as operations in order.
///
/// The network runs twice, on other numbers and another count of them: what differs between the two
/// cannot be part of a graph.
struct TracedNetwork {
  /// Where an operation's input comes from.
  enum Source {
    /// The network's input, for 0, or the result of the step before this number.
    case value(Int)
    /// The same numbers in every run.
    case constant(Tensor)
    /// One entry, repeated along the axis of this shape that grows.
    case repeated(Tensor, BatchShape)
  }

  /// One operation.
  struct Step {
    let operation: TracedOperation
    /// The operation's name in Swift.
    let name: String
    /// The dotted name of the layer that runs it.
    let layer: String
    let inputs: [Source]
    let shape: BatchShape
  }

  let inputShape: BatchShape
  let steps: [Step]
  /// The input, for 0, or the result of the step before this number.
  let output: Int

  /// The shape of the result.
  var outputShape: BatchShape { shape(ofValue: output) }

  /// The shape of the input, for 0, or of the result of the step before this number.
  func shape(ofValue number: Int) -> BatchShape {
    number == 0 ? inputShape : steps[number - 1].shape
  }

  /// Runs `net` in evaluation mode, which leaves it as it was.
  ///
  /// - Parameters:
  ///   - net: Any network.
  ///   - inputShape: The shape of one input, without the count.
  ///   - layer: The layer whose output is wanted; the network's if it is nil.
  /// - Throws: ``ONNXExportError`` if the computation is not the same for all batches.
  init(_ net: any Module, inputShape: TensorShape, layer: (any Module)?) throws {
    let names = Dictionary(
      net.namedModules.map { (ObjectIdentifier($0.module), $0.name) },
      uniquingKeysWith: { first, _ in first })
    let passes = try net.evaluating {
      try net.restoringState {
        try [2, 3].map {
          try TracedPass(net, count: $0, inputShape: inputShape, layer: layer, names: names)
        }
      }
    }
    self.inputShape = BatchShape([.batches(1)] + inputShape.map { .fixed($0) })
    (steps, output) = try Self.common(to: passes[0], passes[1])
  }

  private static func common(
    to two: TracedPass, _ three: TracedPass
  ) throws -> (steps: [Step], output: Int) {
    var steps: [Step] = []
    for (first, second) in zip(two.steps, three.steps) {
      steps.append(try step(first, second))
    }
    guard two.steps.count == three.steps.count, two.output == three.output else {
      let longer = two.steps.count > three.steps.count ? two : three
      let last = longer.steps[min(steps.count, longer.steps.count - 1)]
      throw error(last, "runs for some batches and not for others")
    }
    return (steps, two.output)
  }

  private static func step(
    _ two: OperationTrace.Step, _ three: OperationTrace.Step
  ) throws -> Step {
    guard let operation = two.operation else { throw error(two, "has no counterpart there") }
    guard let shape = BatchShape(ofTwo: two.shape, ofThree: three.shape) else {
      throw error(
        two, "gives \(two.shape) for 2 inputs and \(three.shape) for 3, which are no multiples")
    }
    guard operation == three.operation, two.scope == three.scope,
      two.inputs.count == three.inputs.count
    else {
      throw error(
        two,
        "depends on the numbers of the input or on how many inputs there are, by what Swift "
          + "code computes from them")
    }
    let inputs = try zip(two.inputs, three.inputs).map { try source($0, $1, of: two) }
    return Step(
      operation: operation, name: plainName(two.name), layer: two.scope, inputs: inputs,
      shape: shape)
  }

  private static func source(
    _ two: OperationTrace.Source, _ three: OperationTrace.Source, of step: OperationTrace.Step
  ) throws -> Source {
    switch (two, three) {
    case (.value(let first), .value(let second)) where first == second: return .value(first)
    case (.constant(let first), .constant(let second)):
      if first.hasSameNumbers(as: second) { return .constant(first) }
      guard let (entry, shape) = repeatedEntry(first, second) else {
        throw error(
          step,
          "takes numbers that Swift code computed from the input, or drew at random: of shape "
            + "\(first.shape)")
      }
      return .repeated(entry, shape)
    default:
      throw error(step, "takes its inputs from elsewhere for other batches")
    }
  }

  /// The entry that both tensors repeat along the one axis that grows with the batch.
  private static func repeatedEntry(
    _ two: Tensor, _ three: Tensor
  ) -> (entry: Tensor, shape: BatchShape)? {
    guard let shape = BatchShape(ofTwo: two.shape, ofThree: three.shape), !shape.growsTwice else {
      return nil
    }
    let target = TensorShape(shape.reshapeTarget.map { $0 < 0 ? 1 : $0 })
    let entry = two.cropped(at: target.map { _ in 0 }, shape: target)
    let isRepeated = [two, three].allSatisfy {
      entry.broadcast(to: $0.shape).hasSameNumbers(as: $0)
    }
    return isRepeated ? (entry, shape) : nil
  }

  private static func error(_ step: OperationTrace.Step, _ reason: String) -> ONNXExportError {
    ONNXExportError(layer: step.scope, operation: plainName(step.name), reason)
  }

  /// `relu(_:)` as `relu`.
  private static func plainName(_ name: String) -> String { String(name.prefix { $0 != "(" }) }
}

/// One run of a network: the operations that its output needs, numbered anew.
private struct TracedPass {
  let steps: [OperationTrace.Step]
  let output: Int

  init(
    _ net: any Module, count: Int, inputShape: TensorShape, layer: (any Module)?,
    names: [ObjectIdentifier: String]
  ) throws {
    var stream = RandomStream(seed: UInt64(count))
    let input = Tensor.uniform(TensorShape([count] + inputShape.dimensions), using: &stream)
    let note =
      "the network ran on numbers of shape \(input.shape), as imageSize, inputChannels or inputShape "
      + "says: is it made for this shape?"
    let (trace, source) = try FailureNote.with(note) {
      try ActivationTap.listening { tap in
        let scope = {
          tap.running.last { names[ObjectIdentifier($0)] != nil }
            .flatMap { names[ObjectIdentifier($0)] } ?? ""
        }
        let (trace, output) = OperationTrace.of(input, scope: scope) { input in
          let output = net(input)
          return layer.map { tap.output(of: $0) } ?? output
        }
        guard let output else {
          throw ONNXExportError(
            "the hidden layer \"\(layer.flatMap { names[ObjectIdentifier($0)] } ?? "")\" is not called "
              + "when the network runs")
        }
        return (trace, trace.source(of: output))
      }
    }
    guard case .value(let last) = source else {
      throw ONNXExportError("its output does not come from its input by operations on tensors")
    }
    (steps, output) = Self.needed(of: trace.steps, for: last)
  }

  /// The steps that a value needs, and its number among them.
  private static func needed(
    of steps: [OperationTrace.Step], for value: Int
  ) -> ([OperationTrace.Step], Int) {
    var isNeeded = [Bool](repeating: false, count: steps.count + 1)
    isNeeded[value] = true
    for number in stride(from: steps.count, to: 0, by: -1) where isNeeded[number] {
      for case .value(let input) in steps[number - 1].inputs { isNeeded[input] = true }
    }
    var numbers = [0: 0]
    var kept: [OperationTrace.Step] = []
    for (position, step) in steps.enumerated() where isNeeded[position + 1] {
      let inputs = step.inputs.map { source in
        if case .value(let number) = source, let new = numbers[number] {
          return OperationTrace.Source.value(new)
        }
        return source
      }
      kept.append(step.with(inputs: inputs))
      numbers[position + 1] = kept.count
    }
    return (kept, numbers[value] ?? 0)
  }
}
