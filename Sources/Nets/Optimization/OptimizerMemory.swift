import Tensor

/// What an optimizer remembers of one parameter.
protocol ParameterMemory {
  /// Of a parameter that no step has moved yet.
  init(shape: Shape)

  /// The numbers under their names.
  var state: State { get }

  /// Takes numbers whose names and shapes have been compared with those of ``state``.
  mutating func take(_ state: State)
}

/// What an optimizer remembers of all its parameters, saved under their places among them.
///
/// A place is missing while its parameter has had no gradient.
struct OptimizerMemory<Entry: ParameterMemory> {
  private var entries: [ObjectIdentifier: Entry] = [:]

  /// Hands out the memory of one parameter to be changed in place, and whether it is new.
  mutating func change(_ parameter: Parameter, _ body: (inout Entry, _ isNew: Bool) -> Void) {
    // Taken out for the time, or the numbers would be held twice and copied.
    var known = entries.removeValue(forKey: ObjectIdentifier(parameter))
    let isNew = known == nil
    var entry = known.take() ?? Entry(shape: parameter.shape)
    body(&entry, isNew)
    entries[ObjectIdentifier(parameter)] = entry
  }

  /// The numbers, and the learning rate as a note.
  func state(of groups: [ParameterGroup], learningRate: Float) -> State {
    var state = State(notes: [rateNote: "\(learningRate)"])
    for (place, parameter) in groups.flatMap(\.parameters).enumerated() {
      guard let entry = entries[ObjectIdentifier(parameter)] else { continue }
      state.append(entry.state, under: "\(place)")
    }
    return state
  }

  /// The memory of another optimizer of the same kind and parameters, and its learning rate.
  func planned(
    _ state: State, groups: [ParameterGroup]
  ) throws -> (memory: OptimizerMemory, learningRate: Float) {
    var (error, loaded) = (StateError(), [ObjectIdentifier: Entry]())
    var expected: Set<String> = []
    for (place, parameter) in groups.flatMap(\.parameters).enumerated() {
      let found = state.below("\(place)")
      guard !found.entries.isEmpty else { continue }
      var entry = Entry(shape: parameter.shape)
      for needed in entry.state.entries {
        let name = "\(place).\(needed.name)"
        expected.insert(name)
        guard let value = found[needed.name] else {
          error.missing.append(name)
          continue
        }
        if value.shape != needed.value.shape {
          error.mismatched.append((name, needed.value.shape, value.shape))
        } else if needed.elementType == .int64, !(0...Float(1 << 53)).contains(value.item) {
          error.impossible.append((name, "a count of zero or more", "\(value.item)"))
        }
      }
      if error.isEmpty { entry.take(found) }
      loaded[ObjectIdentifier(parameter)] = entry
    }
    error.unexpected = state.names.filter { !expected.contains($0) }
    let note = state.notes[rateNote]
    let rate = note.flatMap(Float.init) ?? .nan
    if note == nil {
      error.missing.append(rateNote)
    } else if !(rate >= 0 && rate.isFinite) {
      error.impossible.append((rateNote, "a number of zero or more", note ?? ""))
    }
    guard error.isEmpty else { throw error }
    var memory = OptimizerMemory()
    memory.entries = loaded
    return (memory, rate)
  }
}

private let rateNote = "learningRate"

/// The velocity of ``SGD`` and `LARS`.
struct Velocity: ParameterMemory {
  var value: Tensor

  init(shape: Shape) { value = .zeros(shape) }

  var state: State { State([State.Entry("velocity", value)]) }

  mutating func take(_ state: State) { value = state["velocity"]?.detached ?? value }
}

/// The running moments of ``Adam`` and ``AdamW``, and how many steps they have seen.
struct Moments: ParameterMemory {
  var first: Tensor
  var second: Tensor
  var steps = 0

  init(shape: Shape) { (first, second) = (.zeros(shape), .zeros(shape)) }

  var state: State {
    State([
      State.Entry("first", first), State.Entry("second", second),
      State.Entry("steps", Tensor(Float(steps)), elementType: .int64),
    ])
  }

  mutating func take(_ state: State) {
    first = state["first"]?.detached ?? first
    second = state["second"]?.detached ?? second
    steps = state["steps"].map { Int($0.item) } ?? steps
  }
}
