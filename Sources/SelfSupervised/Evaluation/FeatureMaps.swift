import Nets
import Tensor

/// What a layer makes of images as they are, in evaluation mode and without gradients.
///
/// - Parameters:
///   - images: A batch of shape [count, height, width, channels].
///   - hiddenLayer: The layer whose output is a map.
///   - net: Any network.
///   - batchSize: How many images go through the network at a time.
/// - Returns: The maps, of shape [count, map height, map width, map channels].
/// - Precondition: The network has the layer, calls it, and it gives a map.
public func featureMaps(
  of images: Tensor, at hiddenLayer: HiddenLayer, in net: any Module, batchSize: Int = 64
) -> Tensor {
  precondition(
    images.rank == 4 && images.shape[0] > 0 && batchSize > 0,
    "featureMaps needs images [count, height, width, channels] and a batch size of 1 or more; got "
      + "shape \(images.shape) and \(batchSize)")
  let backbone = Backbone(
    net, hiddenLayers: [hiddenLayer], inputShape: TensorShape(Array(images.shape.dropFirst())))
  _ = backbone.mapShape(ofLayer: 0)
  return net.evaluating {
    withoutGradients {
      concatenated(images.chunks(of: batchSize).map { backbone.outputs($0)[0] })
    }
  }
}
