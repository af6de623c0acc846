import Foundation
import Nets
import Tensor

extension MethodLearner {
  /// All that the training goes on from: every part under its name, and the random streams of the
  /// learner and of layers such as dropout.
  ///
  /// A learner that loads it draws the same views and gives the same losses as the one it came
  /// from.
  public var state: StateDict {
    commits.followLoadedWeights()
    var state = StateDict()
    for (name, part) in namedParts { state.merge(part.state, prefix: name) }
    for (name, stream) in randomStreams { state.metadata[name] = stream.note }
    return state
  }

  /// Compares the state of another learner of the same parts with this one.
  ///
  /// - Returns: What takes its numbers.
  /// - Throws: `StateError` if names or shapes differ.
  public func plan(_ state: StateDict) throws -> () -> Void {
    let prefixes = namedParts.map(\.name)
    let strangers = (state.names + state.unreadable.map(\.name))
      .filter { name in !prefixes.contains { name.below($0) != nil } }
    guard strangers.isEmpty else { throw StateError(unexpected: strangers) }
    let names = [streamNote] + stochasticModules.map(\.name)
    let streams = names.map { state.metadata[$0].flatMap(RandomStream.init(note:)) }
    let missing = zip(names, streams).filter { $0.1 == nil }.map(\.0)
    guard missing.isEmpty else { throw StateError(missing: missing) }
    let found = zip(names, streams.compactMap { $0 })
    let changes = try namedParts.map { name, part in
      do {
        return try part.plan(state.scoped(to: name))
      } catch {
        throw (error as? StateError)?.prefixed(by: name) ?? error
      }
    }
    return {
      self.commits.discard()
      changes.forEach { $0() }
      self.randomStreams = Dictionary(uniqueKeysWithValues: found)
      self.commits.acceptWeights()
    }
  }

  /// ``stream`` and the streams of layers such as dropout, under their names in a state.
  public var randomStreams: [String: RandomStream] {
    get {
      var streams = Dictionary(
        uniqueKeysWithValues: stochasticModules.map { ($0.name, $0.layer.stream) })
      streams[streamNote] = stream
      return streams
    }
    set {
      stream = newValue[streamNote] ?? stream
      for (name, layer) in stochasticModules { layer.stream = newValue[name] ?? layer.stream }
    }
  }
}

extension MethodLearner {
  /// The running statistics of norms, in the network, the heads and a target: all that a loss itself
  /// moves.
  public var runningStatistics: [Tensor] {
    get { buffers.map(\.value) + targets.flatMap(\.runningStatistics) }
    set {
      var rest = newValue[...]
      for buffer in buffers { buffer.value = rest.removeFirst() }
      for target in targets {
        let count = target.runningStatistics.count
        target.runningStatistics = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
      }
    }
  }
}

/// The layers that draw random numbers, each once, under the names of their streams.
func namedStochasticModules(
  in parts: [(name: String, part: any Stateful)]
) -> [(name: String, layer: any StochasticModule)] {
  var seen: Set<ObjectIdentifier> = []
  return parts.flatMap { name, part in
    ((part as? any Module)?.namedModules ?? []).compactMap { path, module in
      guard let layer = module as? any StochasticModule,
        seen.insert(ObjectIdentifier(layer)).inserted
      else { return nil }
      return ([name, path, streamNote].filter { !$0.isEmpty }.joined(separator: "."), layer)
    }
  }
}

private let streamNote = "stream"

extension RandomStream {
  /// The stream in words, for a file.
  var note: String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The stream of such words; nil if they are none.
  init?(note: String) {
    guard let stream = try? JSONDecoder().decode(RandomStream.self, from: Data(note.utf8)) else {
      return nil
    }
    self = stream
  }
}
