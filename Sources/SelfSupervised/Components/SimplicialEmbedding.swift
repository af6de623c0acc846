import Nets
import Tensor

/// Features as points of several simplices: a softmax over each group (Lavoie et al., 2022).
public final class SimplicialEmbedding: SampleIndependent {
  /// The sizes and the temperature of a simplicial embedding.
  public struct Configuration: Hashable, Sendable {
    /// How many simplices there are.
    public var simplexCount: Int
    /// The corners of each.
    public var simplexSize: Int
    /// What the features are divided by in front of the softmax.
    public var temperature: Float

    /// byol-pytorch's sizes, unless others are given.
    public init(simplexCount: Int = 32, simplexSize: Int = 8, temperature: Float = 0.1) {
      precondition(
        simplexCount > 0 && simplexSize > 0 && temperature > 0,
        "a simplicial embedding needs sizes and a temperature above zero; got \(simplexCount) "
          + "simplices of \(simplexSize) at \(temperature)")
      self.simplexCount = simplexCount
      self.simplexSize = simplexSize
      self.temperature = temperature
    }

    /// The features of the embedding.
    public var width: Int { simplexCount * simplexSize }
  }

  private let configuration: Configuration

  /// An embedding of features as many as the configuration's width.
  public init(_ configuration: Configuration = Configuration()) {
    self.configuration = configuration
  }

  /// Shape [count, width] to the same shape; each group of features sums to one.
  public func forward(_ input: Tensor) -> Tensor {
    let groups = input.reshaped([-1, configuration.simplexCount, configuration.simplexSize])
    return softmax(groups / configuration.temperature).reshaped(input.shape)
  }
}
