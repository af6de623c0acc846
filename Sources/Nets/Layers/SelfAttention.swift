import Tensor

/// Attention of each token to all others, of several heads (Vaswani et al., 2017), with timm's names.
public final class SelfAttention: SampleIndependent {
  /// Makes queries, keys and values.
  public let qkv: Linear
  /// Mixes the heads.
  public let proj: Linear
  /// How many heads share the features.
  public let headCount: Int

  /// A layer for tokens of `width` features.
  public init(
    _ width: Int, headCount: Int, qkvBias: Bool = true, using stream: RandomStream? = nil
  ) {
    precondition(
      headCount > 0 && width.isMultiple(of: headCount),
      "SelfAttention needs a width divisible by the heads; got \(width) and \(headCount) heads")
    var stream = stream ?? DefaultGenerator.current.split()
    self.headCount = headCount
    qkv = Linear(width, 3 * width, bias: qkvBias, using: stream.split())
    proj = Linear(width, width, using: stream.split())
  }

  /// Tokens of shape [count, length, width] to the same shape.
  public func forward(_ input: Tensor) -> Tensor {
    proj(selfAttention(qkv(input), headCount: headCount))
  }
}
