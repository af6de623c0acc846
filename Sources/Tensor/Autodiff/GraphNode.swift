import Synchronization

/// Takes the gradient of an operation's result and which inputs need one; gives theirs.
package typealias Pullback = @Sendable (_ gradient: Tensor, _ wanted: [Bool]) -> [Tensor?]

/// A pullback that may accumulate in place: it takes the first input's partial gradient from `sum`,
/// sets `sum` to nil and returns the total as its first result.
typealias AccumulatingPullback =
  @Sendable (_ gradient: Tensor, _ wanted: [Bool], _ sum: inout Tensor?) -> [Tensor?]

/// One recorded operation, or a leaf that gradients are gathered for.
// Unchecked: written at creation and by the one reverse pass that consumes the graph.
package final class GraphNode: @unchecked Sendable {
  private static let orders = Atomic<Int>(0)

  /// Later operations have higher numbers, so descending order is a valid reverse pass.
  let order: Int
  package let operation: String
  let isLeaf: Bool
  /// Whether this names a value of an ``OperationTrace`` rather than a step toward a gradient.
  let isTraced: Bool
  package private(set) var inputs: [GraphNode?]
  private(set) var pullback: AccumulatingPullback?
  /// The parameter whose value this leaf is.
  package private(set) weak var parameter: Parameter?

  init(operation: String, inputs: [GraphNode?], pullback: @escaping AccumulatingPullback) {
    order = Self.orders.add(1, ordering: .relaxed).newValue
    self.operation = operation
    isLeaf = false
    isTraced = false
    self.inputs = inputs
    self.pullback = pullback
  }

  /// The name of a traced value.
  static func traced() -> GraphNode { GraphNode(leaf: nil, isTraced: true) }

  init(leaf parameter: Parameter?, isTraced: Bool = false) {
    order = Self.orders.add(1, ordering: .relaxed).newValue
    operation = "leaf"
    isLeaf = true
    self.isTraced = isTraced
    inputs = []
    self.parameter = parameter
  }

  /// Forgets how the result was computed, which frees what the pullback captured.
  func release() {
    pullback = nil
    inputs = []
  }

  // A chain of a million nodes must not recurse: inputs are released from a list. The pullback goes
  // first, while the list still holds the nodes of the tensors it captured.
  deinit {
    var pending = inputs
    pullback = nil
    inputs = []
    while var node = pending.popLast() {
      guard node != nil, isKnownUniquelyReferenced(&node), let last = node else { continue }
      pending.append(contentsOf: last.inputs)
      last.release()
    }
  }
}
