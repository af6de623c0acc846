import Nets
import Tensor

/// Random directions of unit length, other ones in each step: what projections are looked at along.
///
/// Those of a step are a function of the stream and the number of the step alone, so a loss that is
/// computed again sees the same ones, and so do several processes of one seed. Stream and step are
/// saved.
public final class RandomSlices: Stateful {
  /// The entries of a direction.
  public let width: Int
  /// How many directions there are in a step.
  public let count: Int
  /// How many steps have been taken.
  public private(set) var step = 0

  private var stream: RandomStream

  /// Directions drawn from a stream.
  ///
  /// - Precondition: Width and count are above zero.
  public init(width: Int, count: Int, using stream: RandomStream) {
    precondition(
      width > 0 && count > 0,
      "RandomSlices needs a width and a count above zero; got \(width) and \(count)")
    (self.width, self.count, self.stream) = (width, count, stream)
  }

  /// The directions of this step: shape [width, count].
  public var directions: Tensor {
    var stream = stream.split(step)
    return withoutGradients { l2Normalized(.normal([width, count], using: &stream), axis: 0) }
  }

  /// Goes on to the next step's directions.
  public func advance() { step += 1 }
}

// MARK: - Saving

extension RandomSlices {
  private static let (stepNote, streamNote) = ("step", "stream")

  /// The stream and the number of the step.
  public var state: StateDict {
    StateDict(metadata: [Self.stepNote: String(step), Self.streamNote: stream.note ?? ""])
  }

  /// Reads the stream and the step of other directions.
  ///
  /// - Returns: What takes them.
  /// - Throws: `StateError` if one is missing or out of range.
  public func plan(_ state: StateDict) throws -> () -> Void {
    guard state.names.isEmpty else { throw StateError(unexpected: state.names) }
    guard let stream = state.metadata[Self.streamNote].flatMap(RandomStream.init(note:)) else {
      throw StateError(missing: [Self.streamNote])
    }
    let step = try countNote(Self.stepNote, in: state)
    return { (self.stream, self.step) = (stream, step) }
  }
}

/// A number of steps among the words of a state.
///
/// - Throws: `StateError` if it is missing or out of range.
func countNote(_ name: String, in state: StateDict) throws -> Int {
  guard let note = state.metadata[name] else { throw StateError(missing: [name]) }
  guard let count = Int(note), (0...1 << 40).contains(count) else {
    throw StateError(impossible: [(name, "a number in 0...2^40", note)])
  }
  return count
}
