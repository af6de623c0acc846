import Tensor

/// Scales the gradients of `parameters` down until their norm, of all together, is at most `limit`.
///
/// It is called between `backward()` and the optimizer's step, like torch's `clip_grad_norm_`.
/// Gradients whose norm is not finite stay as they are.
///
/// - Returns: The norm before.
/// - Precondition: `limit` is above zero.
@discardableResult
public func clipGradients(of parameters: [Parameter], toNorm limit: Float) -> Float {
  precondition(limit > 0, "clipGradients needs a norm above zero; got \(limit)")
  let norm = gradientNorm(of: parameters)
  guard norm > limit, norm.isFinite else { return norm }
  for parameter in parameters {
    parameter.gradient = parameter.gradient.map { $0 * (limit / norm) }
  }
  return norm
}

/// The norm of the gradients of `parameters`, all of them together.
public func gradientNorm(of parameters: [Parameter]) -> Float {
  let squares = withoutGradients {
    parameters.compactMap(\.gradient).map { Double(square($0).sum().item) }
  }
  return Float(squares.reduce(0, +).squareRoot())
}
