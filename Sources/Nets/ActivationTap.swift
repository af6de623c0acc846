import Tensor

/// Listens to the outputs of layers while a network runs.
// Unchecked: a tap is made for one call and read after it, on one task.
package final class ActivationTap: @unchecked Sendable {
  @TaskLocal static var current: ActivationTap?

  /// The layers to listen to; all of them when it is nil.
  private let targets: Set<ObjectIdentifier>?
  private var outputs: [ObjectIdentifier: Tensor] = [:]
  /// The modules that run now, the innermost last.
  private(set) var running: [any Module] = []

  private init(_ targets: Set<ObjectIdentifier>?) { self.targets = targets }

  /// Runs `body` and gives its result with the last output of `layer`, if it was called.
  package static func output<Result>(
    of layer: any Module, during body: () throws -> Result
  ) rethrows -> (result: Result, output: Tensor?) {
    let (result, outputs) = try outputs(of: [layer], during: body)
    return (result, outputs[0])
  }

  /// Runs `body` and gives its result with the last output of each of `layers` that was called.
  package static func outputs<Result>(
    of layers: [any Module], during body: () throws -> Result
  ) rethrows -> (result: Result, outputs: [Tensor?]) {
    let tap = ActivationTap(Set(layers.map { ObjectIdentifier($0) }))
    let result = try $current.withValue(tap, operation: body)
    return (result, layers.map { tap.outputs[ObjectIdentifier($0)] })
  }

  /// Runs `body` and gives the last output of every layer that was called.
  static func outputs(during body: () throws -> Void) rethrows -> [ObjectIdentifier: Tensor] {
    try listening { tap in
      try body()
      return tap.outputs
    }
  }

  /// Runs `body` and gives the modules that were called.
  package static func calledModules(during body: () throws -> Void) rethrows -> Set<
    ObjectIdentifier
  > {
    Set(try outputs(during: body).keys)
  }

  /// Runs `body` with a tap that listens to every layer.
  static func listening<Result>(_ body: (ActivationTap) throws -> Result) rethrows -> Result {
    let tap = ActivationTap(nil)
    return try $current.withValue(tap) { try body(tap) }
  }

  /// The last output of a layer that was called and listened to.
  func output(of layer: any Module) -> Tensor? { outputs[ObjectIdentifier(layer)] }

  /// Runs `forward`, which computes the output of `layer`.
  func noting(_ layer: any Module, _ forward: () -> Tensor) -> Tensor {
    running.append(layer)
    let output = forward()
    running.removeLast()
    if listens(to: layer) { outputs[ObjectIdentifier(layer)] = output }
    return output
  }

  func listens(to layer: any Module) -> Bool {
    targets?.contains(ObjectIdentifier(layer)) ?? true
  }
}
