import Tensor

/// How a learning rate follows the size of the batch.
public enum LearningRate {
  /// A rule of growth.
  public enum Rule: Sendable {
    /// base · batchSize / 256 (Goyal et al., 2017), which most papers mean.
    case linear
    /// base · √batchSize, which is gentler to large batches (Chen et al., 2020, appendix B.1, where
    /// the base is 0.075).
    case squareRoot
  }

  /// The learning rate for a batch, from the base that a paper names.
  ///
  /// - Precondition: The batch has at least one image.
  public static func scaled(base: Float, batchSize: Int, rule: Rule = .linear) -> Float {
    precondition(batchSize > 0, "a learning rate needs a batch of at least 1; got \(batchSize)")
    return switch rule {
    case .linear: base * Float(batchSize) / 256
    case .squareRoot: base * Float(batchSize).squareRoot()
    }
  }
}
