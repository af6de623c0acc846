import Foundation
import Nets
import Tensor

extension Learner {
  /// All that the training goes on from: every part under its name, and the random streams of the
  /// learner and of layers such as dropout.
  ///
  /// A learner that loads it draws the same views and gives the same losses as the one it came from.
  public var state: State {
    var state = State()
    for (name, part) in parts { state.append(part.state, under: name) }
    state.notes[streamNote] = stream.note
    for (name, layer) in randomLayers { state.notes[name] = layer.stream.note }
    return state
  }

  /// Compares `state` with the learner's parts and changes nothing.
  ///
  /// - Returns: What takes the state of another learner of the same parts.
  /// - Throws: `StateError` if names or shapes differ.
  public func plan(_ state: State) throws -> () -> Void {
    let prefixes = parts.map { $0.name + "." }
    let strangers = state.names.filter { name in !prefixes.contains { name.hasPrefix($0) } }
    guard strangers.isEmpty else { throw StateError(unexpected: strangers) }
    let streams = try ([streamNote] + randomLayers.map(\.name)).map { name in
      guard let stream = state.notes[name].flatMap(RandomStream.init(note:)) else {
        throw StateError(missing: [name])
      }
      return stream
    }
    let changes = try parts.map { name, part in
      do {
        return try part.plan(state.below(name))
      } catch {
        throw (error as? StateError)?.below(name) ?? error
      }
    }
    return {
      changes.forEach { $0() }
      self.stream = streams[0]
      for ((_, layer), stream) in zip(self.randomLayers, streams.dropFirst()) {
        layer.stream = stream
      }
    }
  }

  /// The layers that draw random numbers, each once, under the names of their streams.
  private var randomLayers: [(name: String, layer: any RandomLayer)] {
    var seen: Set<ObjectIdentifier> = []
    return parts.flatMap { name, part in
      ((part as? any Module)?.namedModules ?? []).compactMap { path, module in
        guard let layer = module as? any RandomLayer, seen.insert(ObjectIdentifier(layer)).inserted
        else { return nil }
        return ([name, path, streamNote].filter { !$0.isEmpty }.joined(separator: "."), layer)
      }
    }
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
