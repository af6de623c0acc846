import Tensor

/// The input, unchanged.
public final class Identity: SampleIndependent {
  /// A layer without parameters.
  public init() {}

  /// Any shape to the same shape.
  public func forward(_ input: Tensor) -> Tensor { input }
}

/// All axes but the first as one.
///
/// Images are flattened in torch's order, channels first, so that the weights of a linear layer
/// behind it are torch's.
public final class Flatten: SampleIndependent {
  /// A layer without parameters.
  public init() {}

  /// Shape [count, ...] to [count, features].
  public func forward(_ input: Tensor) -> Tensor {
    let isOnePixel = input.rank == 4 && input.shape[1] * input.shape[2] == 1
    let ordered = input.rank == 4 && !isOnePixel ? input.permuted([0, 3, 1, 2]) : input
    return ordered.flattened(from: 1)
  }
}

/// Zeroes each value with the given probability in training and enlarges the others to match.
public final class Dropout: SampleIndependent, ModeDependent, StochasticModule {
  /// The probability of a zero.
  public let probability: Float
  /// Whether values are dropped.
  public var mode: Mode = .training
  /// Where the draws come from.
  public var stream: RandomStream

  /// A layer that drops with the given probability.
  public init(_ probability: Float = 0.5, using stream: RandomStream? = nil) {
    precondition(
      (0..<1).contains(probability),
      "Dropout needs a probability of at least 0 and below 1; got \(probability)")
    self.probability = probability
    self.stream = stream ?? DefaultGenerator.current.split()
  }

  /// Any shape to the same shape.
  public func forward(_ input: Tensor) -> Tensor {
    guard mode == .training else { return input }
    let group = ProcessGroup.current
    guard !group.isSingle else { return dropout(input, probability: probability, using: &stream) }
    // Each process drops other values; the layer's stream stays the same on all.
    var own = stream.split().split(group.rank)
    return dropout(input, probability: probability, using: &own)
  }
}

/// A function as a layer.
public final class Lambda: Module {
  private let function: (Tensor) -> Tensor

  /// A layer that computes `function`, which should hold no parameters: they would not be found.
  public init(_ function: @escaping (Tensor) -> Tensor) { self.function = function }

  /// What the function accepts to what it gives.
  public func forward(_ input: Tensor) -> Tensor { function(input) }
}
