import Nets
import Tensor

/// A simple framework for contrastive learning (Chen et al., 2020).
public typealias SimCLR = MethodLearner<SimCLRMethod>

/// SimCLR: each view of an image must find the other one among all views of the batch.
///
/// See ``ntXent(_:_:temperature:isDecoupled:)`` for the range of the loss and its course. The
/// images of a batch are each other's negatives, so that large batches teach more;
/// ``MethodLearner/backward(_:chunkSize:)-(Tensor,_)`` makes them without the memory. There is
/// neither target nor predictor. With local views the loss is the mean over all pairs of a large view
/// and another one.
public struct SimCLRMethod: ProjectionMethod, MultiCropMethod {
  /// The published shapes of the projector.
  public enum Head: Sendable {
    /// Linear, batch norm, ReLU, linear, batch norm: lightly's and AI Summer's.
    case twoLayer
    /// Three layers with batch norm: Google's code.
    case threeLayer
    /// Linear, ReLU, linear: the paper's equation and solo-learn's. No image of a batch depends on
    /// another in it.
    case plain
  }

  let projectionSize: Int
  let projectionHiddenSize: Int?
  let head: Head
  let temperature: Float
  let isDecoupled: Bool

  /// Its negatives are those of all processes' images.
  public var runsInSeveralProcesses: Bool { true }

  /// The projector.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> ProjectorOnly {
    precondition(temperature > 0, "SimCLR needs a temperature above zero; got \(temperature)")
    let (inputs, hidden) = (backbone.width, projectionHiddenSize ?? backbone.width)
    return switch head {
    case .twoLayer:
      ProjectorOnly(projector: Heads.simCLR(inputs, hidden: hidden, outputs: projectionSize))
    case .threeLayer:
      ProjectorOnly(
        projector: Heads.simCLRThreeLayer(inputs, hidden: hidden, outputs: projectionSize))
    case .plain: ProjectorOnly(projector: MLP([inputs, hidden, projectionSize]))
    }
  }

  /// The contrast of both views' projections; the metric is with how many views each is contrasted.
  public func loss(
    ofProjections projections: ViewPair, features: ViewPair, in pass: Pass<ProjectorOnly>
  ) -> StepLoss {
    StepLoss(
      projections.meanOverPairs {
        ntXent($0, $1, temperature: temperature, isDecoupled: isDecoupled)
      },
      projections: projections.first,
      metrics: [
        "negatives_per_anchor": Float(
          negativesPerAnchor(imageCount: batchRows(projections.first).total))
      ])
  }

  /// With how many views each view of a batch of `imageCount` images is contrasted: 2N - 2.
  ///
  /// Batches whose gradients are added up have no more than each has alone.
  public func negativesPerAnchor(imageCount: Int) -> Int { max(0, 2 * imageCount - 2) }

  /// Google's way for ImageNet, for both views.
  public func augmentations(imageSize: Size2D) -> Augmentations {
    (Compose.simCLR(imageSize: imageSize), Compose.simCLR(imageSize: imageSize))
  }
}

extension MethodLearner where M == SimCLRMethod {
  /// SimCLR around any network; the network itself is not changed.
  ///
  /// The other arguments are those of every ``MethodLearner``.
  ///
  /// The method's own arguments:
  ///
  /// - `projectionSize`: The features of a projection.
  /// - `projectionHiddenSize`: The hidden features of the projector; those of the tapped layer if
  ///   nil.
  /// - `head`: The shape of the projector.
  /// - `temperature`: What similarities are divided by.
  /// - `isDecoupled`: Whether the positive is left out of the loss's sum.
  public convenience init(
    _ net: any Module, imageSize: (any Size2DConvertible)? = nil, inputShape: TensorShape? = nil,
    hiddenLayer: HiddenLayer = -2, channels: Int? = nil, projectionSize: Int = 128,
    projectionHiddenSize: Int? = nil, head: SimCLRMethod.Head = .twoLayer,
    temperature: Float = 0.5, isDecoupled: Bool = false, viewBatching: ViewBatching = .separate,
    augmentation: (any Augmentation)? = nil, secondAugmentation: (any Augmentation)? = nil,
    localViews: LocalViews? = nil, seed: UInt64? = nil
  ) {
    let method = SimCLRMethod(
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize, head: head,
      temperature: temperature, isDecoupled: isDecoupled)
    self.init(
      net, method, imageSize: imageSize, inputShape: inputShape, hiddenLayer: hiddenLayer,
      channels: channels, viewBatching: viewBatching, augmentation: augmentation,
      secondAugmentation: secondAugmentation, localViews: localViews, seed: seed)
  }
}
