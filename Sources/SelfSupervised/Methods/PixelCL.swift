import Nets
import Tensor

/// Pixel-level learning: PixPro, or PixContrast with `usesPixPro: false` (Xie et al., 2021).
public typealias PixelCL = MethodLearner<PixelCLMethod>

/// PixelCL: pixels of one view's map agree with those of the other's that show the same place;
/// whole images as in ``BYOLMethod``, as in the pixel-level-contrastive-learning package.
///
/// Two crops of each image are drawn whose places are known. The loss is alpha · pixels + weight ·
/// instances; the instances' alone when no crops of the batch overlap.
///
/// The pixels' part, by ``PixelVariant``, and instances in 0...8:
///
/// | | range | in healthy training | to the publishers' own numbers |
/// |---|---|---|---|
/// | PixPro, official | 0...8 | from about 4 down to 2...0.9 | subtract 4 |
/// | PixPro, lucidrains | -1...1 | from about 0 down; negative is normal | the same |
/// | PixContrast, official | 0 and up | falls by a part of log(pixels) | the same |
/// | PixContrast, lucidrains | 0 and up | falls by a part of log(pixels) | the same |
///
/// PixPro has no negatives, and pixels can become alike: agreement near 1 with
/// ``ProjectionStatistics/pixelStd`` near 0 is that collapse. On generated scenes of which most is
/// background it falls from 0.8 to 0.1 or less within the first fifty steps of PixPro; with LARS,
/// its authors' optimizer, it rises again, with SGD it did not. In PixContrast it stays above 0.9.
/// See <doc:Pixels>.
///
/// Metrics are the positive pairs of the batch and their share of all, the mean cosine of the pairs
/// (`agreement`), the spread of pixels, and both parts of the loss.
public struct PixelCLMethod: LearningMethod {
  let projectionSize: Int
  let projectionHiddenSize: Int
  let movingAverageDecay: MovingAverageDecay
  let targetNorm: TargetNorm
  let propagationLayerCount: Int
  let propagationGamma: Float
  let distanceThreshold: Float
  let temperature: Float
  let alpha: Float
  let instanceWeight: Float
  let usesPixPro: Bool
  let crop: TrackedCrop
  let variant: PixelVariant

  /// The heads and the target.
  public struct Parts: MethodParts {
    /// From features of whole images to projections.
    public let projector: any Module
    /// From maps of features to maps of projections.
    public let pixelProjector: any Module
    /// From projections of whole images to predictions of the target's.
    public let predictor: any Module
    /// From maps of projections to predictions of the target's; nil for PixContrast.
    public let propagation: PixelPropagation?
    /// The slowly moving weights of the network and both projectors.
    public let target: TargetNetwork
  }

  /// Its loss is a mean over images or over the pairs of all processes.
  public var runsInSeveralProcesses: Bool { true }

  /// The heads and the target.
  ///
  /// - Precondition: The second tapped layer gives a map of more than one pixel.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> Parts {
    let (hidden, size) = (projectionHiddenSize, projectionSize)
    let channels = backbone.mapShape(ofLayer: 1)[2]
    let projector = Heads.byol(backbone.width, hidden: hidden, outputs: size)
    let pixelProjector = Heads.pixelProjector(channels, hidden: hidden, outputs: size)
    let predictor = Heads.byol(size, hidden: hidden, outputs: size)
    let propagation =
      usesPixPro
      ? PixelPropagation(
        size, layerCount: propagationLayerCount, gamma: propagationGamma, variant: variant) : nil
    return Parts(
      projector: projector, pixelProjector: pixelProjector, predictor: predictor,
      propagation: propagation,
      target: TargetNetwork(
        ["net": backbone.net, "projector": projector, "pixelProjector": pixelProjector],
        decay: movingAverageDecay, norm: targetNorm))
  }

  /// Two random crops of each image, with colours of their own.
  public func views(
    of images: Tensor, by augmentations: Augmentations, using stream: RandomStream
  ) -> PixelViews {
    PixelViews(of: images, by: crop, then: augmentations, using: stream)
  }

  /// The package's colours for both crops.
  public func augmentations(imageSize: Size2D) -> Augmentations {
    (Compose.pixelCL(normalization: nil), Compose.pixelCL(normalization: nil))
  }
}

// MARK: - Loss

extension PixelCLMethod {
  /// alpha · pixels + weight · instances.
  public func loss(of views: PixelViews, in pass: Pass<Parts>) -> StepLoss {
    let first = projections(of: views.pair.first, pass)
    let second = projections(of: views.pair.second, pass)
    let (firstTarget, secondTarget) = pass.parts.target.withTargetWeights {
      (projections(of: views.pair.first, pass), projections(of: views.pair.second, pass))
    }
    let pairs = PixelPairs(
      from: views.first, to: views.second, mapSize: first.mapSize, threshold: distanceThreshold,
      variant: variant)
    let predictor = pass.parts.predictor
    let instances =
      byolLoss(predictor(first.instances), onto: secondTarget.instances)
      + byolLoss(predictor(second.instances), onto: firstTarget.instances)
    let pixels =
      pairs.count > 0
      ? pixelLoss((first, secondTarget), (second, firstTarget), pairs, pass.parts.propagation) : nil
    let rows = first.pixels.detached.reshaped([-1, first.pixels.shape[3]])
    return StepLoss(
      pixels.map { alpha * $0.loss + instanceWeight * instances } ?? instanceWeight * instances,
      projections: first.instances, pixelProjections: rows,
      metrics: [
        "positive_pairs": Float(pairs.count), "positive_share": pairs.share,
        "agreement": pixels?.agreement ?? .nan, "pixel_spread": projectionStd(rows),
        "pixel_loss": pixels?.loss.item ?? .nan, "instance_loss": instances.item,
      ])
  }

  /// The pixels' part of both directions, and the mean cosine of the positive pairs.
  private func pixelLoss(
    _ first: (online: Projections, target: Projections),
    _ second: (online: Projections, target: Projections), _ pairs: PixelPairs,
    _ propagation: PixelPropagation?
  ) -> (loss: Tensor, agreement: Float) {
    let back = pairs.transposed
    func agreement(_ map: Tensor, _ target: Projections, _ pairs: PixelPairs) -> Tensor {
      pixProLoss(map.asRows, with: target.pixels.asRows, positives: pairs, variant: variant)
    }
    if let propagation {
      let forth = agreement(propagation(first.online.pixels), first.target, pairs)
      let sum = forth + agreement(propagation(second.online.pixels), second.target, back)
      return (variant == .official ? 4 - 2 * sum : -0.5 * sum, sum.item / 2)
    }
    func contrast(_ view: (online: Projections, target: Projections), _ pairs: PixelPairs) -> Tensor
    {
      pixelContrast(
        view.online.pixels.asRows, against: view.target.pixels.asRows, positives: pairs,
        temperature: temperature, variant: variant)
    }
    let mean = withoutGradients {
      let forth = agreement(first.online.pixels, first.target, pairs)
      return (forth + agreement(second.online.pixels, second.target, back)).item / 2
    }
    return (0.5 * (contrast(first, pairs) + contrast(second, back)), mean)
  }

  /// Projections of one view's pixels, [count, height, width, size], and images, [count, size].
  private struct Projections {
    let pixels: Tensor
    let instances: Tensor

    var mapSize: Size2D { Size2D(height: pixels.shape[1], width: pixels.shape[2]) }
  }

  private func projections(of images: Tensor, _ pass: Pass<Parts>) -> Projections {
    let outputs = pass.backbone.outputs(images)
    return Projections(
      pixels: pass.parts.pixelProjector(outputs[1]),
      instances: pass.parts.projector(pass.backbone.rows(outputs[0], of: images)))
  }
}

extension Tensor {
  /// A map [count, height, width, channels] as [count, height · width, channels].
  fileprivate var asRows: Tensor { reshaped([shape[0], -1, shape[3]]) }
}

// MARK: - The learner

extension MethodLearner where M == PixelCLMethod {
  /// PixelCL around any network; the network itself is not changed.
  ///
  /// It differs from pixel-level-contrastive-learning 0.1.1 unless asked otherwise: each image has
  /// crops and flips of its own, crops are resized smoothly, and pixels follow the authors' rules.
  /// The places of pixels are computed, not resized from a map of places, so that there is no
  /// `coord_cutout_interpolate_mode`.
  ///
  /// The authors' training is `instanceWeight: 0, cropExtent: .area(0.08...1), flipProbability:
  /// 0.5`, a hidden size of 4,096, ``Compose/pixProFirst(imageSize:normalization:)``,
  /// ``Compose/pixProSecond(imageSize:normalization:)`` and `LARS.pixPro(_:batchSize:)`. Their head
  /// for whole images, of convolutions before the pooling, is not here.
  ///
  /// The other arguments are those of every ``MethodLearner``;
  /// an augmentation must not move pixels.
  ///
  /// The method's own arguments:
  ///
  /// - `hiddenLayerPixel`: The layer whose output is a map [count, height, width, channels].
  /// - `hiddenLayer`: The layer whose output stands for a whole image.
  /// - `projectionSize`: The features of a projection, of a pixel and of an image.
  /// - `projectionHiddenSize`: The hidden features of both projectors and the predictor; PixPro's
  ///   authors have 4,096.
  /// - `movingAverageDecay`: The share of its old numbers that the target keeps in a step; PixPro's
  ///   authors let 0.99 rise to 1.
  /// - `targetNorm`: Whose statistics the target's batch norms use.
  /// - `propagationLayerCount`: The layers inside the propagation: 0 none, 1 a 1x1 convolution, 2
  ///   two with batch norm and ReLU between.
  /// - `propagationGamma`: How much likeness counts in the propagation.
  /// - `distanceThreshold`: The distance below which two pixels show the same place, in diagonals
  ///   of a cell of the map: see ``pixelDistances(from:to:mapSize:variant:)``.
  /// - `temperature`: What PixContrast divides cosines by; the package's `similarity_temperature`.
  /// - `alpha`: What the pixels' part of the loss is multiplied by.
  /// - `instanceWeight`: What the instances' part is multiplied by: 1 in the package, 0, which
  ///   leaves pixels alone, by default in the authors' code.
  /// - `usesPixPro`: Whether pixels agree, by propagation; if not they are contrasted.
  /// - `cropExtent`: How large a part of the image a view shows.
  /// - `cropInterpolation`: How a crop becomes a view.
  /// - `flipProbability`: The share of views with left and right exchanged.
  /// - `variant`: Whose rules the pixels follow.
  /// - Precondition: The network has both layers, and the one for pixels gives more than one.
  public convenience init(
    _ net: any Module, imageSize: any Size2DConvertible, hiddenLayerPixel: HiddenLayer = "layer4",
    hiddenLayer: HiddenLayer = -2, channels: Int? = nil, projectionSize: Int = 256,
    projectionHiddenSize: Int = 2_048, movingAverageDecay: MovingAverageDecay = 0.99,
    targetNorm: TargetNorm = .batch, propagationLayerCount: Int = 1, propagationGamma: Float = 2,
    distanceThreshold: Float = 0.7, temperature: Float = 0.3, alpha: Float = 1,
    instanceWeight: Float = 1, usesPixPro: Bool = true,
    cropExtent: TrackedCrop.Extent = .sides(0.6...0.8),
    cropInterpolation: Interpolation = .bilinear, flipProbability: Float = 0.25,
    variant: PixelVariant = .official, augmentation: (any Augmentation)? = nil,
    secondAugmentation: (any Augmentation)? = nil, seed: UInt64? = nil
  ) {
    precondition(
      distanceThreshold > 0 && temperature > 0 && min(alpha, instanceWeight) >= 0,
      "PixelCL needs a distance threshold and a temperature above zero and an alpha and a weight of "
        + "instances of zero or more; got \(distanceThreshold), \(temperature), \(alpha) and "
        + "\(instanceWeight)")
    let method = PixelCLMethod(
      projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      movingAverageDecay: movingAverageDecay, targetNorm: targetNorm,
      propagationLayerCount: propagationLayerCount, propagationGamma: propagationGamma,
      distanceThreshold: distanceThreshold, temperature: temperature, alpha: alpha,
      instanceWeight: instanceWeight, usesPixPro: usesPixPro,
      crop: TrackedCrop(
        imageSize, extent: cropExtent, flipProbability: flipProbability,
        interpolation: cropInterpolation), variant: variant)
    self.init(
      net, method, imageSize: imageSize, hiddenLayer: hiddenLayer,
      additionalLayers: [hiddenLayerPixel], channels: channels, augmentation: augmentation,
      secondAugmentation: secondAugmentation, seed: seed)
  }

  /// Maps of projections and of features of images as they are, in evaluation mode and without
  /// gradients.
  ///
  /// - Parameter images: A batch of any size, one included.
  /// - Returns: Projections of shape [count, height, width, projection size], and the tapped map of
  ///   shape [count, height, width, channels].
  public func representPixels(_ images: Tensor) -> Representation {
    net.evaluating {
      parts.pixelProjector.evaluating {
        withoutGradients {
          let map = backbone.outputs(images)[1]
          return Representation(projection: parts.pixelProjector(map), embedding: map)
        }
      }
    }
  }
}
