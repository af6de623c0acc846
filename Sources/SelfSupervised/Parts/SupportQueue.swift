import Nets
import Tensor

/// The last projections a learner has seen, among which it looks for neighbours: a ring of unit
/// vectors.
///
/// Batches may be of any size, larger than the queue included, which then keeps the last rows. Only
/// rows that hold projections are looked at. A queue that has none yet gives each row itself, so that
/// the first step of ``NNCLR`` contrasts the two views with each other; published implementations
/// fill the queue with random rows instead and learn from those at first, as `startsRandom` does.
///
/// The rows, their labels, the position and the count are saved.
public final class SupportQueue: ModeDependent {
  /// How many rows there is room for.
  public let capacity: Int
  /// The size of a row.
  public let width: Int
  /// Whether rows that hold no projection yet are random directions, which may become neighbours.
  public let startsRandom: Bool
  /// Whether the learner adds its projections: in training it does, in evaluation it does not.
  public var mode: Mode = .training

  private let rows: Buffer
  private let labels: Buffer
  private let position = Buffer(.zeros([]), elementType: .int64)
  private let filled = Buffer(.zeros([]), elementType: .int64)

  /// An empty queue.
  ///
  /// - Parameters:
  ///   - capacity: How many rows there is room for.
  ///   - width: The size of a row.
  ///   - startsRandom: Whether to begin with random directions.
  ///   - stream: Where these come from; unpredictable when it is nil.
  public init(
    capacity: Int, width: Int, startsRandom: Bool = false, using stream: RandomStream? = nil
  ) {
    precondition(
      (1...1 << 24).contains(capacity) && width > 0,
      "SupportQueue needs a capacity in 1...2²⁴ and a width above zero; got \(capacity), \(width)")
    self.capacity = capacity
    self.width = width
    self.startsRandom = startsRandom
    var stream = stream ?? .unpredictable()
    let shape: Shape = [capacity, width]
    rows = Buffer(startsRandom ? unitNorm(.normal(shape, using: &stream)) : .zeros(shape))
    labels = Buffer(.full(unknown, [capacity]), elementType: .int64)
  }

  /// How many rows hold projections.
  public var count: Int { Int(filled.value.item) }

  /// The rows that hold projections, of shape [count, width], as they lie in the ring.
  public var projections: Tensor { rows.value[0..<count] }

  /// Where the next row goes.
  private var next: Int { Int(position.value.item) }

  /// How many rows may become neighbours.
  private var searched: Int { startsRandom ? capacity : count }

  /// The most similar row of each row of `input` [count, width]; no gradient flows.
  public func forward(_ input: Tensor) -> Tensor { neighbours(of: input).rows }

  /// Checks that nothing is missing: a queue with another position would not be the same.
  public func load(_ state: State) throws {
    let missing = self.state.names.filter { state[$0] == nil }
    guard missing.isEmpty else { throw StateError(missing: missing) }
    try load(state, partially: false)
  }
}

private let unknown: Float = -1

// MARK: - Neighbours

extension SupportQueue {
  /// What was found for each row of a batch.
  public struct Neighbours: Sendable {
    /// Unit vectors of shape [count, width]; no gradient flows to them.
    public let rows: Tensor
    /// The label that each neighbour came with; nil if it came without.
    public let labels: [Int?]
    /// The share of neighbours that are random rows the queue began with.
    public let randomShare: Float
  }

  /// The most similar row of each row of `queries` by cosine; the row itself, at unit length, while
  /// there is nothing to look at.
  ///
  /// - Parameter queries: A tensor of shape [count, width], of rows of any length.
  /// - Returns: One neighbour for each row.
  public func neighbours(of queries: Tensor) -> Neighbours {
    precondition(
      queries.rank == 2 && queries.shape[1] == width && queries.shape[0] > 0,
      "SupportQueue needs rows of shape [count, \(width)]; got \(queries.shape)")
    return withoutGradients {
      guard searched > 0 else {
        let units = unitNorm(queries.detached)
        return Neighbours(
          rows: units, labels: Array(repeating: nil, count: units.shape[0]), randomShare: 0)
      }
      let nearest = nearestRows(to: queries.detached)
      let random = nearest.count(where: { $0 >= count })
      return Neighbours(
        rows: rows.value.gathered(nearest), labels: knownLabels(at: nearest),
        randomShare: Float(random) / Float(nearest.count))
    }
  }

  /// The products are made a block of queries at a time, so that memory does not grow with the count.
  private func nearestRows(to queries: Tensor) -> [Int] {
    let (bank, count) = (rows.value[0..<searched], queries.shape[0])
    let block = max(1, (1 << 24) / searched)
    return stride(from: 0, to: count, by: block).flatMap { start in
      linear(queries[start..<min(start + block, count)], bank).argmax()  // queries · bankᵀ
    }
  }

  private func knownLabels(at indices: [Int]) -> [Int?] {
    labels.value.withUnsafeBufferPointer { labels in
      indices.map { labels[$0] == unknown ? nil : Int(labels[$0]) }
    }
  }
}

// MARK: - Adding

extension SupportQueue {
  /// Puts rows in the place of the oldest ones, at unit length.
  ///
  /// - Parameters:
  ///   - batch: A tensor of shape [count, width], of any count.
  ///   - classes: A label for each row, if it is known.
  public func push(_ batch: Tensor, labels classes: [Int]? = nil) {
    precondition(
      batch.rank == 2 && batch.shape[1] == width,
      "SupportQueue needs rows of shape [count, \(width)]; got \(batch.shape)")
    precondition(
      classes.map { $0.count == batch.shape[0] && $0.allSatisfy { $0 >= 0 } } ?? true,
      "SupportQueue needs a label of zero or more for each of \(batch.shape[0]) rows; got "
        + "\(classes?.count ?? 0)")
    let kept = max(0, batch.shape[0] - capacity)..<batch.shape[0]
    let units = withoutGradients { unitNorm(batch.detached[kept]) }
    let numbers = Tensor(classes.map { $0[kept].map(Float.init) } ?? kept.map { _ in unknown })
    let start = (next + kept.lowerBound) % capacity
    let beforeWrap = min(kept.count, capacity - start)
    for (buffer, entries) in [(rows, units), (labels, numbers)] {
      buffer.replace(from: start, with: entries[0..<beforeWrap])
      buffer.replace(from: 0, with: entries[beforeWrap..<kept.count])
    }
    position.value = Tensor(Float((next + batch.shape[0]) % capacity))
    filled.value = Tensor(Float(min(count + batch.shape[0], capacity)))
  }
}
