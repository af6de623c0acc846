/// The operations that a computation does on one input, in order.
///
/// Inside ``of(_:scope:_:)`` each operation with an input that was computed from the traced one notes
/// itself. What is computed from other tensors alone is a constant of the computation.
// Unchecked: made, written and read on one task.
package final class OperationTrace: @unchecked Sendable {
  /// Where an operation's input comes from.
  package enum Source {
    /// The traced input, for 0, or the result of the step before this number.
    case value(Int)
    /// A tensor that was not computed from the traced input.
    case constant(Tensor)
  }

  /// One operation.
  package struct Step {
    /// What it computes; nil if no description exists.
    package let operation: TracedOperation?
    /// Its name in Swift.
    package let name: String
    /// What it is part of, in the words of whoever traces.
    package let scope: String
    package let inputs: [Source]
    /// The shape of the result.
    package let shape: TensorShape

    /// The same operation on other inputs.
    package func with(inputs: [Source]) -> Step {
      Step(operation: operation, name: name, scope: scope, inputs: inputs, shape: shape)
    }
  }

  package private(set) var steps: [Step] = []
  /// The number of each traced value, and what keeps the identifiers from being used again.
  private var numbers: [ObjectIdentifier: Int] = [:]
  private var nodes: [GraphNode] = []
  private let scope: () -> String

  private init(scope: @escaping () -> String) { self.scope = scope }

  /// Runs `body` without gradients on `input` and notes its operations.
  ///
  /// - Parameters:
  ///   - input: What the computation begins with.
  ///   - scope: What the operation that runs now is part of.
  ///   - body: The computation.
  /// - Returns: The trace and what `body` returned.
  package static func of<Result>(
    _ input: Tensor, scope: @escaping () -> String, _ body: (Tensor) throws -> Result
  ) rethrows -> (trace: OperationTrace, result: Result) {
    let trace = OperationTrace(scope: scope)
    let result = try ComputeOptions.tracing(with: trace) { try body(trace.named(input)) }
    return (trace, result)
  }

  /// Where a tensor that `body` saw comes from.
  package func source(of tensor: Tensor) -> Source {
    tensor.node.flatMap { numbers[ObjectIdentifier($0)] }.map { .value($0) } ?? .constant(tensor)
  }

  /// `result` as a value of this trace, if an input is one.
  func note(
    _ result: Tensor, from inputs: [Tensor], _ operation: TracedOperation?, name: String
  ) -> Tensor {
    let sources = inputs.map(source(of:))
    let isTraced = sources.contains { if case .value = $0 { true } else { false } }
    guard isTraced else { return result }
    steps.append(
      Step(
        operation: operation, name: name, scope: scope(), inputs: sources, shape: result.shape))
    return named(result)
  }

  private func named(_ tensor: Tensor) -> Tensor {
    let node = GraphNode.traced()
    numbers[ObjectIdentifier(node)] = nodes.count
    nodes.append(node)
    var tensor = tensor
    tensor.node = node
    return tensor
  }
}

extension Tensor {
  /// This result, noted in the trace that is on as one operation on `inputs`: for operations that
  /// have no gradient, and for those that are composed of others.
  func traced(
    from inputs: @autoclosure () -> [Tensor], operation: String = #function,
    as traced: @autoclosure () -> TracedOperation
  ) -> Tensor {
    guard let trace = ComputeOptions.current.trace else { return self }
    return trace.note(self, from: inputs(), traced(), name: operation)
  }

  /// An input that an operation does without.
  static var absent: Tensor { .zeros([0]) }

  /// What tensors share that begin with the same numbers in memory.
  package struct Identity: Hashable {
    let storage: ObjectIdentifier
    let offset: Int
  }

  /// Where the numbers are; another tensor may have it when this one is gone.
  package var identity: Identity { Identity(storage: ObjectIdentifier(storage), offset: offset) }

  /// Whether shape and numbers are the same, bit for bit.
  package func hasSameNumbers(as other: Tensor) -> Bool {
    guard shape == other.shape else { return false }
    return identity == other.identity
      || withUnsafeBufferPointer { a in
        other.withUnsafeBufferPointer { b in
          a.elementsEqual(b) { $0.bitPattern == $1.bitPattern }
        }
      }
  }
}
