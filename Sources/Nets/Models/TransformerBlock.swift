import Tensor

/// A block of a transformer that normalizes first: x + attention(norm(x)), then x + mlp(norm(x)).
public final class TransformerBlock: SampleIndependent {
  let norm1: LayerNorm
  let attn: SelfAttention
  let ls1: LayerScale?
  let norm2: LayerNorm
  let mlp: TransformerMLP
  let ls2: LayerScale?

  /// The sizes of a block.
  struct Sizes {
    var width: Int
    var headCount: Int
    /// The features between the two linear layers.
    var hiddenWidth: Int
    var qkvBias = true
    /// Whether each branch has a scale for each feature.
    var hasLayerScale = false
  }

  init(_ sizes: Sizes, using stream: inout RandomStream) {
    norm1 = LayerNorm(sizes.width, epsilon: VisionTransformer.epsilon)
    attn = SelfAttention(
      sizes.width, headCount: sizes.headCount, qkvBias: sizes.qkvBias, using: stream.split())
    ls1 = sizes.hasLayerScale ? LayerScale(sizes.width) : nil
    norm2 = LayerNorm(sizes.width, epsilon: VisionTransformer.epsilon)
    mlp = TransformerMLP(sizes.width, hidden: sizes.hiddenWidth, using: &stream)
    ls2 = sizes.hasLayerScale ? LayerScale(sizes.width) : nil
  }

  /// Tokens of shape [count, length, width] to the same shape.
  public func forward(_ input: Tensor) -> Tensor {
    let mixed = input + scaled(attn(norm1(input)), ls1)
    return mixed + scaled(mlp(norm2(mixed)), ls2)
  }

  private func scaled(_ x: Tensor, _ scale: LayerScale?) -> Tensor { scale.map { $0(x) } ?? x }
}

/// A factor for each feature of a branch (Touvron et al., 2021, "Going deeper with image
/// transformers").
final class LayerScale: SampleIndependent {
  let gamma: Parameter

  /// Factors of 1e-5, as in timm.
  init(_ width: Int) { gamma = Parameter(.full(1e-5, [width])) }

  func forward(_ input: Tensor) -> Tensor { input * gamma.value }
}

/// Linear, GELU, linear.
final class TransformerMLP: SampleIndependent {
  let fc1: Linear
  let act = GELU()
  let fc2: Linear

  init(_ width: Int, hidden: Int, using stream: inout RandomStream) {
    fc1 = Linear(width, hidden, using: stream.split())
    fc2 = Linear(hidden, width, using: stream.split())
  }

  func forward(_ input: Tensor) -> Tensor { fc2(act(fc1(input))) }
}
