import Nets
import Tensor

/// The newest rows of features, for losses that look further than one batch.
///
/// A ring: a new row takes the place of the oldest when there is no room, so that batches may be of
/// any size. Places that no row has come to are never handed out.
public final class FeatureQueue: Stateful {
  /// How many rows there is room for.
  public let capacity: Int
  /// The features of a row.
  public let width: Int
  /// How many rows there are.
  public private(set) var count = 0
  /// Where the next row goes.
  public private(set) var position = 0
  private var places: Tensor

  /// An empty queue.
  public init(capacity: Int, width: Int) {
    precondition(
      capacity > 0 && width > 0,
      "a queue needs room for at least 1 row of 1 feature; got \(capacity) of \(width)")
    self.capacity = capacity
    self.width = width
    places = .zeros([capacity, width])
  }

  /// The rows, of shape [count, width], in no order that matters; never tracked.
  public var rows: Tensor { places[0..<count] }

  /// Adds rows, which displace the oldest; of more than there is room for, the last ones stay.
  ///
  /// - Parameter features: A tensor of shape [any number, width]; gradients do not follow it.
  public func append(_ features: Tensor) {
    precondition(
      features.rank == 2 && features.shape[1] == width,
      "a queue needs features [count, \(width)]; got \(features.shape)")
    let total = features.shape[0]
    var rest = features.detached[max(0, total - capacity)..<total]
    count = min(capacity, count + rest.shape[0])
    while rest.shape[0] > 0 {
      let length = min(rest.shape[0], capacity - position)
      places.overwrite(from: position, with: rest[0..<length])
      position = (position + length) % capacity
      rest = rest[length..<rest.shape[0]]
    }
  }
}

// MARK: - Saving

extension FeatureQueue {
  /// Every place, filled or not, with the position and the count.
  public var state: State {
    State(
      [State.Entry(Self.rowsName, places)],
      notes: [Self.positionNote: String(position), Self.countNote: String(count)])
  }

  /// Takes the rows of another queue of the same size.
  ///
  /// - Throws: ``StateError`` if something is missing or of another shape.
  public func load(_ state: State) throws {
    var error = StateError(unexpected: state.names.filter { $0 != Self.rowsName })
    func number(_ name: String, _ range: ClosedRange<Int>) -> Int? {
      let number = state.notes[name].flatMap { Int($0) }.flatMap { range.contains($0) ? $0 : nil }
      if number == nil { error.missing.append(name) }
      return number
    }
    let position = number(Self.positionNote, 0...capacity - 1)
    let count = number(Self.countNote, 0...capacity)
    let rows = state[Self.rowsName]
    if let rows, rows.shape != places.shape {
      error.mismatched.append((Self.rowsName, places.shape, rows.shape))
    } else if rows == nil {
      error.missing.append(Self.rowsName)
    }
    guard let position, let count, let rows, error.mismatched.isEmpty, error.unexpected.isEmpty
    else { throw error }
    (self.position, self.count, places) = (position, count, rows.detached)
  }

  private static let rowsName = "rows"
  private static let positionNote = "position"
  private static let countNote = "count"
}
