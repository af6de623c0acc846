import Tensor

/// The loss of the Keras example of NNCLR.
///
/// The gradient of a neighbor goes to the projection that it stands for, and candidates choose
/// among neighbors too: the mean over the four terms and the rows. The example itself
/// differentiates their sum, so its gradients are 4N times these, which Adam cancels and SGD does
/// not. The example is a page, not a package: tests compare with its formula, written anew for
/// PyTorch.
///
/// - Parameters:
///   - units: Projections of both views at unit length, of shape [count, size].
///   - neighbors: What was found for each, of the same shapes.
///   - temperature: What similarities are divided by.
/// - Returns: A scalar.
public func kerasNNCLRLoss(
  _ units: ViewPair, neighbors: ViewPair, temperature: Float = 0.1
) -> Tensor {
  func term(_ rows: Tensor, _ columns: Tensor) -> Tensor {
    nnclrLoss(rows, columns, temperature: temperature)
  }
  let stand = ViewPair(
    first: units.first + (neighbors.first - units.first).detached,
    second: units.second + (neighbors.second - units.second).detached)
  let forth = (term(stand.first, units.second) + term(stand.second, units.first)) / 2
  let back = (term(units.second, stand.first) + term(units.first, stand.second)) / 2
  return (forth + back) / 2
}

extension ViewPair {
  /// Both views' rows at unit length.
  var units: ViewPair { ViewPair(first: l2Normalized(first), second: l2Normalized(second)) }
}
