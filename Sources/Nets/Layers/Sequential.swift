import Tensor

/// Layers one after the other, named by their position.
///
/// ```swift
/// let net = Sequential {
///   Conv2d(1, 16, kernelSize: 3)
///   ReLU()
///   if isDeep { Conv2d(16, 16, kernelSize: 3) }
/// }
/// ```
public final class Sequential: SampleIndependent {
  /// The layers, in order.
  public let layers: [any Module]

  /// The given layers, in order.
  public init(_ layers: [any Module]) { self.layers = layers }

  /// The layers that the block lists, in order.
  public convenience init(@SequentialBuilder _ layers: () -> [any Module]) { self.init(layers()) }

  /// The layer at a position.
  public subscript(position: Int) -> any Module { layers[position] }

  /// Each layer on the output of the one before; a convolution, a batch norm and a ReLU that follow
  /// each other as in ``FusableNorm/callAsFunction(after:_:adding:then:)``.
  public func forward(_ input: Tensor) -> Tensor {
    var (output, position) = (input, 0)
    while position < layers.count {
      let next = layers[position...].dropFirst()
      if let convolution = layers[position] as? Conv2d, let norm = next.first as? BatchNorm {
        let relu = next.dropFirst().first as? ReLU
        output = norm(after: convolution, output, then: relu)
        position += relu == nil ? 2 : 3
      } else {
        output = layers[position](output)
        position += 1
      }
    }
    return output
  }

  /// The layers under the names "0", "1", …
  public var members: [Member] {
    layers.enumerated().map { Member(String($0.offset), .module($0.element)) }
  }

  /// What the first layer accepts.
  public var exampleShape: TensorShape? { layers.first?.exampleShape }
}

/// Lists layers line by line, with `if`, `else`, `switch` and `for`.
@resultBuilder
public enum SequentialBuilder {
  /// One layer.
  public static func buildExpression(_ layer: any Module) -> [any Module] { [layer] }

  /// Several layers.
  public static func buildExpression(_ layers: [any Module]) -> [any Module] { layers }

  /// The lines of a block.
  public static func buildBlock(_ parts: [any Module]...) -> [any Module] { parts.flatMap { $0 } }

  /// An `if` without `else`.
  public static func buildOptional(_ part: [any Module]?) -> [any Module] { part ?? [] }

  /// The first branch of a choice.
  public static func buildEither(first part: [any Module]) -> [any Module] { part }

  /// The second branch of a choice.
  public static func buildEither(second part: [any Module]) -> [any Module] { part }

  /// A loop.
  public static func buildArray(_ parts: [[any Module]]) -> [any Module] { parts.flatMap { $0 } }
}
