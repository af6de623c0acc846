import Tensor

/// DINO's loss: the cross-entropy of every view's outputs with a target's of the large views, other than
/// itself (Caron et al., 2021, equation 3).
///
/// With probabilities p = softmax(outputs / τ) and the target's q = softmax(targets / τ'), the
/// mean of -Σ q · log p over images and pairs of a large view of the target and another view. It is
/// the entropy of q and how far p is from it. Two collapses are possible without negatives: the same
/// winner for all images, where both are near 0, against which outputs are centered; and no winner,
/// where the first is near log(width) and the second near 0, against which τ' is below τ.
///
/// - Parameters:
///   - outputs: The network's, each of shape [count, width]; of local views too, if there are any.
///   - targets: The target's for both large views, centered, of the same shape; no gradient flows to
///     them.
///   - temperature: τ.
///   - targetTemperature: τ'.
/// - Returns: The loss, and the mean entropy of q: scalars.
/// - Precondition: Shapes agree, temperatures are above zero.
public func dinoLoss(
  _ outputs: ViewPair, targets: ViewPair, temperature: Float = 0.1, targetTemperature: Float = 0.04
) -> (loss: Tensor, targetEntropy: Tensor) {
  precondition(
    outputs.first.rank == 2 && outputs.first.shape == targets.first.shape,
    "dinoLoss needs outputs and targets of one shape [count, width]; got \(outputs.first.shape) and "
      + "\(targets.first.shape)")
  precondition(
    temperature > 0 && targetTemperature > 0,
    "dinoLoss needs temperatures above zero; got \(temperature) and \(targetTemperature)")
  let expected = targets.globals.all.map { logits in
    let logits = logits.detached / targetTemperature
    return (probabilities: softmax(logits), logits: logits)
  }
  func distance(_ view: Tensor, _ probabilities: Tensor) -> Tensor {
    crossEntropy(view / temperature, probabilities: probabilities)
  }
  let crossed =
    distance(outputs.first, expected[1].probabilities)
    + distance(outputs.second, expected[0].probabilities)
  // A local view is compared with both at once.
  let both = expected[0].probabilities + expected[1].probabilities
  let sum = outputs.locals.reduce(crossed) { $0 + distance($1, both) }
  let entropies = expected.map { crossEntropy($0.logits, probabilities: $0.probabilities) }
  return (sum / Float(2 + 2 * outputs.locals.count), (entropies[0] + entropies[1]) / 2)
}
