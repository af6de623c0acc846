import Nets
import Tensor

/// The user's network with two tapped layers: a map of features for the pixels, and features for the
/// image as a whole, both from one pass.
public final class PixelEncoder {
  /// The network up to the layer for whole images.
  public let instance: Encoder
  /// The height and width of the map, for images of the size the encoder was made with.
  public let mapSize: Size2D
  /// The channels of the map.
  public let channels: Int
  private let taps: LayerTaps

  /// Taps two layers of `net`, without changing anything in it.
  ///
  /// - Parameters:
  ///   - net: Any network.
  ///   - pixelLayer: The layer whose output is a map [count, height, width, channels].
  ///   - instanceLayer: The layer whose output stands for a whole image.
  ///   - inputShape: The shape of one image: [height, width, channels].
  /// - Throws: ``LearnerError`` that says what the network or the map lacks.
  init(
    checking net: any Module, pixelLayer: HiddenLayer, instanceLayer: HiddenLayer,
    inputShape: Shape
  ) throws {
    taps = try LayerTaps(checking: net, [pixelLayer, instanceLayer], inputShape: inputShape)
    instance = Encoder(taps, position: 1)
    let shape = taps.shapes[0]
    guard shape.rank == 3, shape[0] * shape[1] > 1 else {
      throw LearnerError(
        "the hidden layer for pixels needs an output [count, height, width, channels] of more than "
          + "one pixel; for images \(inputShape) it has shape [count"
          + shape.map { ", \($0)" }.joined() + "]: tap a layer in front of the pooling, or one of "
          + "less stride")
    }
    mapSize = Size2D(height: shape[0], width: shape[1])
    channels = shape[2]
  }

  /// Taps two layers of `net`, without changing anything in it.
  ///
  /// - Parameters:
  ///   - net: Any network.
  ///   - pixelLayer: The layer whose output is a map [count, height, width, channels].
  ///   - instanceLayer: The layer whose output stands for a whole image.
  ///   - inputShape: The shape of one image: [height, width, channels].
  /// - Precondition: The network has parameters that discovery finds, has the layers and calls them,
  ///   and the first gives a map of more than one pixel.
  public convenience init(
    _ net: any Module, pixelLayer: HiddenLayer, instanceLayer: HiddenLayer, inputShape: Shape
  ) {
    do {
      try self.init(
        checking: net, pixelLayer: pixelLayer, instanceLayer: instanceLayer, inputShape: inputShape)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// The user's network.
  public var net: any Module { taps.net }

  /// Runs the network once.
  ///
  /// - Returns: The map of shape [count, height, width, channels], and the features of whole images
  ///   of shape [count, width].
  public func callAsFunction(_ images: Tensor) -> (pixels: Tensor, instances: Tensor) {
    let outputs = taps(images)
    precondition(
      outputs[0].rank == 4 && outputs[0].shape[3] == channels,
      "the hidden layer for pixels needs \(channels) channels, as when the learner was made; got "
        + "shape \(outputs[0].shape) from images of shape \(images.shape)")
    return (outputs[0], instance.features(outputs[1], of: images))
  }
}
