import Foundation
import Tensor

/// A number that depends on the step.
public protocol Schedule: Sendable {
  /// The number at a step, counted from zero.
  func value(at step: Int) -> Float
}

/// The same number at every step.
public struct Constant: Schedule {
  /// The number.
  public let value: Float

  /// The same number at every step.
  public init(_ value: Float) { self.value = value }

  /// The number.
  public func value(at step: Int) -> Float { value }
}

/// Half a cosine from one number to another: end + (start - end) · (1 + cos(π · step / steps)) / 2.
public struct CosineDecay: Schedule {
  /// The number at step zero.
  public let start: Float
  /// The number from `steps` on.
  public let end: Float
  /// The length of the decay.
  public let steps: Int

  /// A decay from `start` to `end` over `steps` steps.
  public init(from start: Float, to end: Float = 0, over steps: Int) {
    precondition(steps >= 1, "CosineDecay needs at least 1 step; got \(steps)")
    self.start = start
    self.end = end
    self.steps = steps
  }

  /// The number at a step.
  public func value(at step: Int) -> Float {
    let progress = Double(min(max(step, 0), steps)) / Double(steps)
    return Float(Double(end) + Double(start - end) * (1 + cos(.pi * progress)) / 2)
  }
}

/// A straight line from one number to another.
public struct LinearRise: Schedule {
  /// The number at step zero.
  public let start: Float
  /// The number from `steps` on.
  public let end: Float
  /// The length of the rise.
  public let steps: Int

  /// A line from `start` to `end` over `steps` steps.
  public init(from start: Float, to end: Float, over steps: Int) {
    precondition(steps >= 1, "LinearRise needs at least 1 step; got \(steps)")
    (self.start, self.end, self.steps) = (start, end, steps)
  }

  /// The number at a step.
  public func value(at step: Int) -> Float {
    let share = Float(min(max(step, 0), steps)) / Float(steps)
    return start + (end - start) * share
  }
}

/// A rise from zero in front of another schedule, which begins when the rise is over.
///
/// Step e of W is at (e + 1) / (W + 1): no step is at zero, none at the base's first number twice,
/// and a rise of one step divides by two, not by zero. Others count otherwise: DeepMind's e / W is
/// this rise of W - 1 steps after one step at zero, lightly's (e + 1) / W this rise of W - 1 steps
/// with the base's first number twice at its end.
public struct Warmed<Base: Schedule>: Schedule {
  /// What follows the rise.
  public let base: Base
  /// The length of the rise.
  public let steps: Int

  /// The number at a step: (step + 1) / (steps + 1) of the base's first during the rise.
  public func value(at step: Int) -> Float {
    step < steps
      ? base.value(at: 0) * Float(step + 1) / Float(steps + 1) : base.value(at: step - steps)
  }
}

extension Schedule where Self == Warmed<CosineDecay> {
  /// A linear rise and then half a cosine down, both within `steps`: the papers' usual schedule.
  ///
  /// - Parameters:
  ///   - peak: The number after the rise.
  ///   - end: The number from `steps` on.
  ///   - warmUp: The length of the rise, zero included.
  ///   - steps: The length of both together.
  /// - Returns: The schedule.
  /// - Precondition: `warmUp` is at least zero and below `steps`.
  public static func warmUpCosine(
    to peak: Float, end: Float = 0, warmUp: Int, steps: Int
  ) -> Self {
    precondition(
      warmUp >= 0 && warmUp < steps,
      "warmUpCosine needs a warm-up of at least 0 and below the \(steps) steps; got \(warmUp)")
    return CosineDecay(from: peak, to: end, over: steps - warmUp).warmed(over: warmUp)
  }
}

extension Schedule {
  /// This schedule after a linear rise over `steps` steps, none of which is at zero.
  public func warmed(over steps: Int) -> Warmed<Self> { Warmed(base: self, steps: max(0, steps)) }
}
