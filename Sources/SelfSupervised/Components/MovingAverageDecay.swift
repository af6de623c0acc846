import Nets

/// The decay of a target's moving average, which may depend on the step.
public enum MovingAverageDecay: Sendable {
  /// The same at every step.
  case constant(Float)
  /// 1 - (1 - start) · (cos(π · step / steps) + 1) / 2: from `start` to 1 (Grill et al., 2020).
  case cosine(from: Float, steps: Int)

  /// The decay at a step, counted from zero.
  public func value(at step: Int) -> Float {
    switch self {
    case .constant(let decay): decay
    case .cosine(let start, let steps):
      CosineDecay(from: start, to: 1, over: steps).value(at: step)
    }
  }
}

extension MovingAverageDecay: ExpressibleByFloatLiteral {
  /// The same at every step.
  public init(floatLiteral decay: Float) { self = .constant(decay) }
}
