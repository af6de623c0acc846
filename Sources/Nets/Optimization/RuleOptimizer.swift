import Tensor

/// The formula of an optimizer: how one step moves one parameter.
protocol UpdateRule {
  var name: String { get }
  var usualHighestRate: Float { get }
  /// The names, in saved states, of the tensors that are kept of each parameter between steps. They
  /// have its shape and start at zero.
  var tensorNames: [String] { get }
  /// Whether saved states hold the number of steps of each parameter.
  var savesSteps: Bool { get }

  /// Moves one parameter; `rate` is the learning rate of its group.
  func update(
    _ parameter: Parameter, gradient: Tensor, rate: Float, group: ParameterGroup,
    state: inout ParameterState)
}

extension UpdateRule {
  var usualHighestRate: Float { 1 }
  var savesSteps: Bool { false }
}

/// What an optimizer keeps of one parameter between steps.
struct ParameterState {
  /// What ``UpdateRule/tensorNames`` names. A rule may drop them to save memory.
  var tensors: [Tensor]
  /// How many steps have moved the parameter, the current one included.
  var steps = 0
}

/// An optimizer that moves each parameter by a rule: ``SGD``, ``LARS``, ``Adam`` or ``AdamW``.
///
/// Saved states hold what is kept of each parameter under its place among all of them, "3.velocity"
/// say; a place is missing while its parameter has had no gradient.
public final class RuleOptimizer<Rule>: Optimizer {
  /// The parameters and the settings that differ between them.
  public var groups: [ParameterGroup]
  /// The step size, which a schedule may change before any step.
  public var learningRate: Float
  let rule: any UpdateRule
  private var states: [ObjectIdentifier: ParameterState] = [:]

  init(_ rule: any UpdateRule, _ groups: [ParameterGroup], learningRate: Float) {
    precondition(
      learningRate >= 0 && learningRate.isFinite,
      "\(rule.name) needs a learning rate of zero or more; got \(learningRate)")
    let parameters = groups.flatMap(\.parameters)
    precondition(!parameters.isEmpty, "\(rule.name) needs at least one parameter; got none")
    precondition(
      parameters.uniqued().count == parameters.count,
      "\(rule.name) needs each parameter once; some come twice")
    self.rule = rule
    self.groups = groups
    self.learningRate = learningRate
  }

  /// The name in messages.
  public var name: String { rule.name }

  /// The highest learning rate in common use.
  public var usualHighestRate: Float { rule.usualHighestRate }

  /// Moves every parameter that has a gradient.
  ///
  /// - Precondition: At least one has.
  public func step() {
    var isAny = false
    for group in groups {
      for parameter in group.parameters where parameter.isTrainable {
        guard let gradient = parameter.gradient else { continue }
        isAny = true
        func move(_ state: inout ParameterState) {
          state.steps += 1
          rule.update(
            parameter, gradient: gradient, rate: group.rate(learningRate), group: group,
            state: &state)
        }
        move(&states[ObjectIdentifier(parameter), default: newState(of: parameter)])
      }
    }
    // Gradients that were forgotten between the backward pass and the step would otherwise go
    // unnoticed, and nothing would be learnt.
    precondition(
      isAny,
      "step() needs gradients and no trainable parameter has one; the order is zeroGradients(), "
        + "backward(), step()")
  }

  /// What is kept of each parameter, and the learning rate.
  public var state: StateDict {
    let entries = groups.flatMap(\.parameters).enumerated().flatMap { place, parameter in
      states[ObjectIdentifier(parameter)].map { self.entries(of: $0, at: place) } ?? []
    }
    return StateDict(entries, metadata: [rateNote: "\(learningRate)"])
  }

  /// Compares the state of another optimizer of the same kind and parameters with this one.
  ///
  /// - Returns: What takes the state.
  /// - Throws: `StateError` if names or shapes differ.
  public func plan(_ state: StateDict) throws -> () -> Void {
    var (error, expected) = (StateError(), Set<String>())
    error.noteRepetitions(in: state)
    let found = Dictionary(state.entries.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    let places = Set(found.keys.map { $0.prefix { $0 != "." } })
    var planned: [ObjectIdentifier: ParameterState] = [:]
    for (place, parameter) in groups.flatMap(\.parameters).enumerated()
    where places.contains("\(place)") {
      var new = newState(of: parameter)
      let values = entries(of: new, at: place).compactMap { needed in
        expected.insert(needed.name)
        if found[needed.name] == nil { error.noteAbsence(of: needed.name, in: state) }
        return found[needed.name].flatMap { checked($0, needed, &error) }
      }
      guard error.isEmpty else { continue }
      new.tensors = Array(values.prefix(new.tensors.count))
      if rule.savesSteps { new.steps = values.last.map { Int($0.item) } ?? 0 }
      planned[ObjectIdentifier(parameter)] = new
    }
    error.unexpected = state.names.filter { !expected.contains($0) }
    let note = state.metadata[rateNote]
    let rate = note.flatMap(Float.init) ?? .nan
    if note == nil {
      error.missing.append(rateNote)
    } else if !(rate >= 0 && rate.isFinite) {
      error.impossible.append((rateNote, "a number of zero or more", note ?? ""))
    }
    guard error.isEmpty else { throw error }
    return { (self.states, self.learningRate) = (planned, rate) }
  }

  private func newState(of parameter: Parameter) -> ParameterState {
    ParameterState(tensors: rule.tensorNames.map { _ in .zeros(parameter.shape) })
  }

  private func entries(of state: ParameterState, at place: Int) -> [StateDict.Entry] {
    let tensors = zip(rule.tensorNames, state.tensors).map { StateDict.Entry("\(place).\($0)", $1) }
    guard rule.savesSteps else { return tensors }
    return tensors
      + [StateDict.Entry("\(place).steps", Tensor(Float(state.steps)), elementType: .int64)]
  }

  /// The value, or nil if it does not fit what is needed, which `error` then says.
  private func checked(
    _ value: Tensor, _ needed: StateDict.Entry, _ error: inout StateError
  ) -> Tensor? {
    if value.shape != needed.value.shape {
      error.mismatched.append((needed.name, needed.value.shape, value.shape))
      return nil
    }
    if needed.elementType == .int64, !(0...Float(1 << 53)).contains(value.item) {
      error.impossible.append((needed.name, "a count of zero or more", "\(value.item)"))
      return nil
    }
    return value
  }
}

private let rateNote = "learningRate"
