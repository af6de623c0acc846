import Tensor

/// What a student's features lack of a teacher's, by their similarities to other pictures' ones.
///
/// Both are compared with the rows of `anchors`; the loss is the mean divergence KL(p ‖ q) of the
/// student's distribution q = softmax(student · anchorsᵀ / τ) from the teacher's, p. At least 0, which
/// features that are alike have, and without bound above. It is lightly-train's first `distillation`.
/// No gradient flows to the teacher or the anchors.
///
/// - Parameters:
///   - student: A tensor of shape [count, width], of rows of any length.
///   - teacher: A tensor of the same shape.
///   - anchors: Unit vectors of shape [any number, width], or zeros where there is none yet.
///   - temperature: τ.
/// - Returns: A scalar.
public func similarityDistillationLoss(
  _ student: Tensor, from teacher: Tensor, anchors: Tensor, temperature: Float = 0.07
) -> Tensor {
  precondition(
    student.rank == 2 && student.shape == teacher.shape && anchors.rank == 2
      && anchors.shape[1] == student.shape[1] && temperature > 0,
    "similarityDistillationLoss needs features of one shape [count, width], anchors of that width and "
      + "a temperature above zero; got \(student.shape), \(teacher.shape), \(anchors.shape) and "
      + "\(temperature)")
  let anchors = anchors.detached
  let (p, entropy) = withoutGradients {
    let logits = linear(l2Normalized(teacher.detached) / temperature, anchors)
    let p = softmax(logits)
    return (p, crossEntropy(logits, probabilities: p))
  }
  let logits = linear(l2Normalized(student) / temperature, anchors)
  return crossEntropy(logits, probabilities: p) - entropy
}

/// The mean squared difference of a student's features and a teacher's, of no normalized length: what
/// lightly-train's second `distillation` has for each place of a map.
///
/// At least 0; its size is that of the teacher's features. No gradient flows to the teacher.
///
/// - Parameters:
///   - student: A tensor of shape [count, width].
///   - teacher: A tensor of the same shape.
/// - Returns: A scalar.
public func featureDistillationLoss(_ student: Tensor, from teacher: Tensor) -> Tensor {
  precondition(
    student.rank == 2 && student.shape == teacher.shape,
    "featureDistillationLoss needs features of one shape [count, width]; got \(student.shape) and "
      + "\(teacher.shape)")
  return square(student - teacher.detached).mean()
}
