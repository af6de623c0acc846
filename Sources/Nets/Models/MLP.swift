import Tensor

/// Linear layers with something between them.
public final class MLP: SampleIndependent {
  /// The layers, in order, named by their position.
  public let layers: Sequential

  /// Layers through the given sizes, each but the last followed by batch norm (if asked) and ReLU.
  ///
  /// - Parameters:
  ///   - sizes: The numbers of features from the input to the output, at least two.
  ///   - batchNorm: Whether batch norm stands before each ReLU.
  public init(_ sizes: [Int], batchNorm: Bool = false) {
    precondition(sizes.count >= 2, "MLP needs an input and an output size; got \(sizes)")
    layers = Sequential {
      for (position, (inputs, outputs)) in zip(sizes, sizes.dropFirst()).enumerated() {
        Linear(inputs, outputs)
        if position < sizes.count - 2 {
          if batchNorm { BatchNorm(outputs) }
          ReLU()
        }
      }
    }
  }

  /// The layers' own names, without a prefix.
  public var members: [Member] { layers.members }

  /// Shape [..., inputs] to [..., outputs].
  public func forward(_ input: Tensor) -> Tensor { layers(input) }

  /// One row.
  public var exampleShape: TensorShape? { layers.exampleShape }
}
