import Nets
import Tensor

/// The user's network up to the layer a learner taps.
public final class Encoder {
  /// The features of the tapped layer, flattened.
  public let width: Int
  /// Whether two batches go through the network at once: if all its modules are `ImagewiseModule`s, and its
  /// weights are so many that it counts to read them once instead of twice, more than that the numbers in
  /// between are twice as many.
  public let takesBatchesAtOnce: Bool
  private let taps: LayerTaps
  private let position: Int

  /// What caches hold; WhereTheTimeGoes.md has the times of networks below and above.
  private static let fewParameters = 1 << 20

  /// The tapped layer at a position.
  init(_ taps: LayerTaps, position: Int = 0) {
    self.taps = taps
    self.position = position
    width = taps.shapes[position].elementCount
    takesBatchesAtOnce = taps.net.isImagewise && taps.net.parameterCount > Self.fewParameters
  }

  /// Taps `hiddenLayer` of `net`, without changing anything in it.
  ///
  /// - Parameters:
  ///   - net: Any network.
  ///   - hiddenLayer: The layer whose output is the representation.
  ///   - inputShape: The shape of one input, without the count.
  /// - Throws: ``LearnerError`` that says what the network lacks.
  convenience init(
    checking net: any Module, hiddenLayer: HiddenLayer, inputShape: Shape
  ) throws {
    self.init(try LayerTaps(checking: net, [hiddenLayer], inputShape: inputShape))
  }

  /// Taps `hiddenLayer` of `net`, without changing anything in it.
  ///
  /// - Parameters:
  ///   - net: Any network.
  ///   - hiddenLayer: The layer whose output is the representation.
  ///   - inputShape: The shape of one input, without the count.
  /// - Precondition: The network has parameters that discovery finds, has the layer and calls it.
  public convenience init(_ net: any Module, hiddenLayer: HiddenLayer, inputShape: Shape) {
    do {
      try self.init(checking: net, hiddenLayer: hiddenLayer, inputShape: inputShape)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// The user's network.
  public var net: any Module { taps.net }

  /// Runs the network and gives the tapped features of shape [count, width].
  public func callAsFunction(_ images: Tensor) -> Tensor {
    features(taps(images)[position], of: images)
  }

  /// What the tapped layer gave, as rows.
  func features(_ tapped: Tensor, of images: Tensor) -> Tensor {
    let features = tapped.flattened(from: 1)
    precondition(
      features.shape[1] == width,
      "the hidden layer needs \(width) features, as when the learner was made; got "
        + "\(features.shape[1]) from images of shape \(images.shape)")
    return features
  }
}

/// A learner cannot be made as asked.
struct LearnerError: Error, CustomStringConvertible {
  /// What was needed and what came.
  let description: String

  init(_ description: String) { self.description = description }
}
