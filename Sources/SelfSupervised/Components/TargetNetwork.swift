import Nets
import Tensor

/// Whose statistics the batch norms of a ``TargetNetwork`` use.
public enum TargetNorm: Sendable {
  /// Those of the target's own batch, as in BYOL's, MoCo's and PixPro's code.
  case batch
  /// Moving averages of the network's running statistics, of the decay that parameters have, so
  /// that an image's target does not depend on its batch: EMAN (Cai et al., 2021). The target is in
  /// evaluation mode then: it has no dropout either.
  case movingAverage
}

/// A second set of numbers for the same modules, which follows the first slowly.
///
/// The target is no copy of the network: its numbers are swapped in, the user's own code runs
/// without recording, and the network's numbers are swapped back. Running statistics are swapped
/// too, so the target keeps its own, as in the code of all papers but those of
/// ``TargetNorm/movingAverage``.
public final class TargetNetwork: Stateful {
  /// The parameters that the target has its own numbers for.
  public let parameters: [Parameter]
  /// The share of its old numbers that the target keeps in a step.
  public let decay: MovingAverageDecay
  /// Whose statistics the target's batch norms use.
  public let norm: TargetNorm
  /// How often the target has followed.
  public private(set) var step = 0

  private let modules: KeyValuePairs<String, any Module>
  private let buffers: [Buffer]
  private var parameterValues: [Tensor]
  private var bufferValues: [Tensor]

  /// A target that begins with the numbers of `modules`, which are saved under their names.
  public init(
    _ modules: KeyValuePairs<String, any Module>, decay: MovingAverageDecay = 0.99,
    norm: TargetNorm = .batch
  ) {
    self.modules = modules
    self.decay = decay
    self.norm = norm
    parameters = modules.flatMap { $0.value.parameters }.uniqued()
    buffers = modules.flatMap { $0.value.buffers }.uniqued()
    parameterValues = parameters.map(\.value.detached)
    bufferValues = buffers.map(\.value)
  }

  /// The target's numbers, one tensor for each of ``parameters``.
  public var values: [Tensor] { parameterValues }

  /// The target's own running statistics.
  var runningStatistics: [Tensor] {
    get { bufferValues }
    set { bufferValues = newValue }
  }

  /// Runs `body`, which uses the modules, with the target's numbers in them and without recording.
  public func withTargetWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
    exchange()
    defer {
      exchange()
      // The network's pass comes next: what kernels keep of the target's numbers is in its way.
      for value in parameterValues { value.invalidateCache() }
    }
    return try withoutGradients {
      norm == .batch ? try body() : try evaluating(modules.map(\.value)[...], body)
    }
  }

  /// Moves the target by its own ``decay``; called once after each optimizer step.
  public func update() {
    update(decay: decay.value(at: step))
    step += 1
  }

  /// Moves every number to decay · target + (1 - decay) · network. Running statistics stay, unless
  /// the target's ``norm`` is their moving average.
  public func update(decay: Float) {
    precondition(
      (0...1).contains(decay), "a moving average needs a decay in 0...1; got \(decay)")
    for (index, parameter) in parameters.enumerated() {
      lerp(&parameterValues[index], toward: parameter.value.detached, weight: 1 - decay)
    }
    guard norm == .movingAverage else { return }
    for (index, buffer) in buffers.enumerated() {
      if buffer.value.rank == 0 {
        // A count of batches is no average.
        bufferValues[index] = buffer.value
      } else {
        lerp(&bufferValues[index], toward: buffer.value, weight: 1 - decay)
      }
    }
  }

  /// Makes the target's numbers those of the network again, running statistics included.
  public func reset() {
    parameterValues = parameters.map(\.value.detached)
    bufferValues = buffers.map(\.value)
  }

  private func evaluating<Result>(
    _ modules: ArraySlice<any Module>, _ body: () throws -> Result
  ) rethrows -> Result {
    guard let first = modules.first else { return try body() }
    return try first.evaluating { try evaluating(modules.dropFirst(), body) }
  }

  private func exchange() {
    for (index, parameter) in parameters.enumerated() {
      parameter.exchange(&parameterValues[index])
    }
    for (index, buffer) in buffers.enumerated() {
      let value = buffer.value
      buffer.value = bufferValues[index]
      bufferValues[index] = value
    }
  }
}

// MARK: - Saving

extension TargetNetwork {
  /// The target's numbers under the names of the network's, and how often it has followed.
  public var state: StateDict {
    withTargetWeights {
      var state = StateDict(metadata: [Self.stepNote: String(step)])
      for (name, module) in modules { state.merge(module.state, prefix: name) }
      return state
    }
  }

  /// Compares the numbers of another target of the same modules with this one.
  ///
  /// - Returns: What takes them.
  /// - Throws: `StateError` if names or shapes differ.
  public func plan(_ state: StateDict) throws -> () -> Void {
    let step = try countNote(Self.stepNote, in: state)
    let changes = try modules.map { name, module in
      do {
        return try module.plan(state.scoped(to: name))
      } catch {
        throw (error as? StateError)?.prefixed(by: name) ?? error
      }
    }
    return {
      self.withTargetWeights { changes.forEach { $0() } }
      self.step = step
    }
  }

  private static let stepNote = "step"
}
