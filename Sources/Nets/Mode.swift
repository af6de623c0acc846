/// Whether a network is being trained or used.
public enum Mode: Sendable {
  /// Batch statistics, dropout.
  case training
  /// Running statistics, no dropout.
  case evaluation
}

/// A layer that computes something else in training than in evaluation.
public protocol ModeDependent: Module {
  /// What the layer is in now; layers begin in training.
  var mode: Mode { get set }
}

extension Module {
  /// The layers that have a mode, this one included.
  package var modeDependents: [any ModeDependent] {
    namedModules.compactMap { $0.module as? any ModeDependent }
  }

  /// Puts every layer into training mode.
  public func train() { modeDependents.forEach { $0.mode = .training } }

  /// Puts every layer into evaluation mode.
  public func eval() { modeDependents.forEach { $0.mode = .evaluation } }

  /// Runs `body` in evaluation mode and then puts every layer back into the mode it was in.
  public func evaluating<Result>(_ body: () throws -> Result) rethrows -> Result {
    let layers = modeDependents
    let modes = layers.map(\.mode)
    layers.forEach { $0.mode = .evaluation }
    defer { zip(layers, modes).forEach { $0.mode = $1 } }
    return try body()
  }
}
