import Nets
import Tensor

/// The newest rows of features, for losses that look further than one batch: a ring of unit
/// vectors.
///
/// A new row takes the place of the oldest when there is no room, so that batches may be of any
/// size, larger than the queue included. Places that no row has come to are never handed out,
/// unless the queue starts with random directions, as published implementations do.
///
/// Rows, their labels, the position and the count are saved.
public final class MemoryBank: Stateful {
  /// How many rows there is room for.
  public let capacity: Int
  /// The features of a row.
  public let width: Int
  /// Whether places that no row has come to are random directions, which may become neighbors.
  public let startsRandom: Bool

  private let places: Buffer
  private let classes: Buffer
  private let next = Buffer(.zeros([]), name: "position", elementType: .int64)
  private let filled = Buffer(.zeros([]), name: "count", elementType: .int64)

  /// An empty queue.
  ///
  /// - Parameters:
  ///   - capacity: How many rows there is room for.
  ///   - width: The features of a row.
  ///   - startsRandom: Whether to begin with random directions.
  ///   - stream: Where these come from; unpredictable when it is nil.
  public init(
    capacity: Int, width: Int, startsRandom: Bool = false, using stream: RandomStream? = nil
  ) {
    precondition(
      (1...1 << 24).contains(capacity) && width > 0,
      "MemoryBank needs a capacity in 1...2²⁴ and a width above zero; got \(capacity), \(width)")
    self.capacity = capacity
    self.width = width
    self.startsRandom = startsRandom
    var stream = stream ?? .unpredictable()
    let shape: TensorShape = [capacity, width]
    places = Buffer(
      startsRandom ? l2Normalized(.normal(shape, using: &stream)) : .zeros(shape), name: "rows")
    classes = Buffer(.full(unknown, [capacity]), name: "labels", elementType: .int64)
  }

  /// How many rows have come, at most as many as there is room for.
  public var count: Int { Int(filled.value.item) }

  /// The rows that have come, of shape [count, width], in no order that matters; never tracked.
  public var rows: Tensor { places.value[0..<count] }

  /// The rows that losses look at, of shape [any number, width]: those that have come, or all places
  /// if they start random.
  public var candidates: Tensor { startsRandom ? places.value : rows }

  /// All places as they will be once some rows are appended, in another order.
  ///
  /// - Parameter features: A tensor of shape [any number, width]; gradients do not follow it.
  /// - Returns: Shape [capacity, width]; zeros, or random directions, where no row has come to.
  func places(afterAppending features: Tensor) -> Tensor {
    withoutGradients {
      let total = features.shape[0]
      let new = l2Normalized(features.detached[max(0, total - capacity)..<total])
      let stays = (0..<capacity - new.shape[0]).map { (position + new.shape[0] + $0) % capacity }
      return stays.isEmpty ? new : concatenated([new, places.value.indexSelect(stays)])
    }
  }

  /// Where the next row goes.
  var position: Int { Int(next.value.item) }
}

private let unknown: Float = -1

// MARK: - Adding

extension MemoryBank {
  /// Adds rows at unit length, which displace the oldest; of more than there is room for, the last
  /// ones stay.
  ///
  /// - Parameters:
  ///   - features: A tensor of shape [any number, width]; gradients do not follow it.
  ///   - labels: A class for each row, if it is known.
  public func append(_ features: Tensor, labels: [Int]? = nil) {
    precondition(
      features.rank == 2 && features.shape[1] == width,
      "MemoryBank needs features [count, \(width)]; got \(features.shape)")
    let total = features.shape[0]
    precondition(
      labels.map { $0.count == total && $0.allSatisfy { $0 >= 0 } } ?? true,
      "MemoryBank needs a label of zero or more for each of \(total) rows; got "
        + "\(labels?.count ?? 0)")
    guard total > 0 else { return }
    let kept = max(0, total - capacity)..<total
    let units = withoutGradients { l2Normalized(features.detached[kept]) }
    let numbers = Tensor(labels.map { $0[kept].map(Float.init) } ?? kept.map { _ in unknown })
    let start = (position + kept.lowerBound) % capacity
    let beforeWrap = min(kept.count, capacity - start)
    for (buffer, entries) in [(places, units), (classes, numbers)] {
      buffer.replace(from: start, with: entries[0..<beforeWrap])
      buffer.replace(from: 0, with: entries[beforeWrap..<kept.count])
    }
    next.value = Tensor(Float((position + total) % capacity))
    filled.value = Tensor(Float(min(count + total, capacity)))
  }
}

// MARK: - Saving

extension MemoryBank {
  private var buffers: [Buffer] { [places, classes, next, filled] }

  /// The rows, their labels, the position and the count.
  public var state: StateDict {
    StateDict(
      buffers.map { StateDict.Entry($0.name ?? "", $0.value, elementType: $0.elementType) })
  }

  /// Compares the rows of another memory of the same size with this one.
  ///
  /// - Returns: What takes them.
  /// - Throws: `StateError` if something is missing, of another shape or out of range.
  public func plan(_ state: StateDict) throws -> () -> Void {
    var error = StateError()
    error.noteRepetitions(in: state)
    let names = buffers.map { $0.name ?? "" }
    error.unexpected = state.names.filter { !names.contains($0) }
    let values = zip(names, buffers).compactMap { name, buffer -> Tensor? in
      guard let value = state[name] else {
        error.noteAbsence(of: name, in: state)
        return nil
      }
      if value.shape != buffer.value.shape {
        error.mismatched.append((name, buffer.value.shape, value.shape))
      } else if let (needed, found) = wrongNumber(in: value, of: buffer) {
        error.impossible.append((name, needed, found))
      }
      return value
    }
    guard error.isEmpty else { throw error }
    return { for (buffer, value) in zip(self.buffers, values) { buffer.value = value } }
  }

  /// What a buffer needs, and the first number that it could not hold.
  private func wrongNumber(in value: Tensor, of buffer: Buffer) -> (needed: String, found: String)?
  {
    let range: ClosedRange<Float>
    switch buffer {
    case _ where buffer === next: range = 0...Float(capacity - 1)
    case _ where buffer === filled: range = 0...Float(capacity)
    // Float has every integer of up to 24 bits.
    case _ where buffer === classes: range = unknown...0x1p24
    default: return nil
    }
    let wrong = value.withUnsafeBufferPointer { numbers in
      numbers.first { !(range.contains($0) && $0 == $0.rounded()) }
    }
    return wrong.map {
      (
        "\(value.rank == 0 ? "a number" : "numbers") in \(Int(range.lowerBound))...\(Int(range.upperBound))",
        "\($0)"
      )
    }
  }
}

// MARK: - Neighbors

extension MemoryBank {
  /// What was found for each row of a batch.
  public struct Neighbors: Sendable {
    /// Unit vectors of shape [count, width]; no gradient flows to them.
    public let rows: Tensor
    /// The label that each neighbor came with; nil if it came without.
    public let labels: [Int?]
    /// The share of neighbors that are random rows the queue began with.
    public let randomShare: Float
  }

  /// The most similar row of each row of `queries` by cosine; the row itself, at unit length, while
  /// there is nothing to look at.
  ///
  /// - Parameter queries: A tensor of shape [count, width], of rows of any length.
  /// - Returns: One neighbor for each row.
  public func neighbors(of queries: Tensor) -> Neighbors {
    precondition(
      queries.rank == 2 && queries.shape[1] == width && queries.shape[0] > 0,
      "MemoryBank needs features [count, \(width)], of at least 1 row; got \(queries.shape)")
    let bank = candidates
    return withoutGradients {
      guard bank.shape[0] > 0 else {
        let units = l2Normalized(queries.detached)
        return Neighbors(
          rows: units, labels: Array(repeating: nil, count: units.shape[0]), randomShare: 0)
      }
      let nearest = nearest(to: queries.detached, among: bank)
      let random = nearest.count(where: { $0 >= count })
      return Neighbors(
        rows: places.value.indexSelect(nearest), labels: labels(at: nearest),
        randomShare: Float(random) / Float(nearest.count))
    }
  }

  /// The products are made a block of queries at a time, so that memory does not grow with the
  /// count.
  private func nearest(to queries: Tensor, among bank: Tensor) -> [Int] {
    let block = max(1, (1 << 24) / bank.shape[0])
    return queries.chunks(of: block).flatMap { linear($0, bank).argmax() }  // queries · bankᵀ
  }

  private func labels(at indices: [Int]) -> [Int?] {
    classes.value.withUnsafeBufferPointer { numbers in
      indices.map { numbers[$0] == unknown ? nil : Int(numbers[$0]) }
    }
  }
}
