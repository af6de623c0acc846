import Foundation
import Nets
import Tensor

extension Learner {
  /// All that the training goes on from: every part under its name, and the random stream.
  ///
  /// A learner that loads it draws the same views and gives the same losses as the one it came from.
  public var state: State {
    var state = State()
    for (name, part) in parts { state.append(part.state, under: name) }
    state.notes[streamNote] = stream.note
    return state
  }

  /// Takes the state of another learner of the same parts; if anything does not fit, nothing.
  ///
  /// - Throws: ``StateError`` if names or shapes differ.
  public func load(_ state: State) throws {
    let prefixes = parts.map { $0.name + "." }
    let strangers = state.names.filter { name in !prefixes.contains { name.hasPrefix($0) } }
    guard strangers.isEmpty else { throw StateError(unexpected: strangers) }
    guard let stream = state.notes[streamNote].flatMap(RandomStream.init(note:)) else {
      throw StateError(missing: [streamNote])
    }
    let before = parts.map(\.part.state)
    for (index, (name, part)) in parts.enumerated() {
      do {
        try part.load(state.below(name))
      } catch {
        for (earlier, old) in zip(parts, before).prefix(index) { try earlier.part.load(old) }
        throw (error as? StateError)?.below(name) ?? error
      }
    }
    self.stream = stream
  }
}

private let streamNote = "stream"

extension RandomStream {
  /// The stream in words, for a file.
  fileprivate var note: String? {
    (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) }
  }

  fileprivate init?(note: String) {
    guard let stream = try? JSONDecoder().decode(RandomStream.self, from: Data(note.utf8)) else {
      return nil
    }
    self = stream
  }
}
