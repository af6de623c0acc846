import Nets
import Tensor

/// Pixel-level learning: PixPro, or PixContrast with `usesPixPro: false` (Xie et al., 2021), together
/// with BYOL for whole images, as in the pixel-level-contrastive-learning package.
///
/// Two crops of each image are drawn whose places are known. Pixels of the one's map are to agree with
/// those pixels of the other's that show the same place; whole images as in ``BYOL``. The loss is
/// alpha · pixels + weight · instances; the instances' alone when no crops of the batch overlap.
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
/// ``PixelStatistics/spread`` near 0 is that collapse. On generated scenes of which most is background
/// the spread falls from 0.8 to 0.1 or less within the first fifty steps of PixPro; with `LARS`, its
/// authors' optimizer, it rises again, with SGD it did not. In PixContrast it stays above 0.9. See
/// <doc:Pixels>.
public final class PixelCL: Learner {
  /// The user's network with both tapped layers.
  public let pixelEncoder: PixelEncoder
  /// From features of whole images to projections.
  public let projector: any Module
  /// From maps of features to maps of projections.
  public let pixelProjector: any Module
  /// From projections of whole images to predictions of the target's.
  public let predictor: any Module
  /// From maps of projections to predictions of the target's; nil for PixContrast.
  public let propagation: PixelPropagation?
  /// The slowly moving numbers of the network and both projectors.
  public let target: TargetEncoder
  /// How crops are drawn.
  public let crop: TrackedCrop
  /// Whose rules the pixels follow.
  public let variant: PixelVariant
  /// The distance below which two pixels show the same place.
  public let distanceThreshold: Float
  /// What PixContrast divides cosines by.
  public let similarityTemperature: Float
  /// What the pixels' part of the loss is multiplied by.
  public let alpha: Float
  /// What the instances' part of the loss is multiplied by.
  public let instanceWeight: Float
  /// Where the random views come from.
  public var stream: RandomStream
  /// What the last loss was like.
  public private(set) var statistics = LearnerStatistics()
  /// What the last loss was like for pixels.
  public private(set) var pixelStatistics = PixelStatistics()

  private let augmentations: (first: any Augmentation, second: any Augmentation)

  /// A learner around any network; the network itself is not changed.
  ///
  /// It differs from pixel-level-contrastive-learning 0.1.1 unless asked otherwise: each image has
  /// crops and flips of its own, crops are resized smoothly, and pixels follow the authors' rules. The places of
  /// pixels are computed, not resized from a map of places, so that there is no
  /// `coord_cutout_interpolate_mode`.
  ///
  /// The authors' training is `instanceWeight: 0, cropExtent: .area(0.08...1), flipProbability: 0.5`, a hidden
  /// size of 4,096, ``Compose/pixProFirst(imageSize:normalization:)``,
  /// ``Compose/pixProSecond(imageSize:normalization:)`` and `LARS.pixPro(_:batchSize:)`. Their head for whole
  /// images, of convolutions before the pooling, is not here.
  ///
  /// - Parameters:
  ///   - net: The network to improve.
  ///   - imageSize: The size of the views; images may have another.
  ///   - hiddenLayerPixel: The layer whose output is a map [count, height, width, channels].
  ///   - hiddenLayerInstance: The layer whose output stands for a whole image.
  ///   - channels: The channels of the images; those of the first convolution when it is nil.
  ///   - projectionSize: The features of a projection, of a pixel and of an image.
  ///   - projectionHiddenSize: The hidden features of both projectors and the predictor; PixPro's
  ///     authors have 4,096.
  ///   - movingAverageDecay: The share of its old numbers that the target keeps in a step; PixPro's
  ///     authors let 0.99 rise to 1.
  ///   - targetNorm: Whose statistics the target's batch norms use.
  ///   - propagationLayerCount: The layers inside the propagation: 0 none, 1 a 1x1 convolution, 2 two
  ///     with batch norm and ReLU between.
  ///   - propagationGamma: How much likeness counts in the propagation.
  ///   - distanceThreshold: The distance below which two pixels show the same place, in diagonals of
  ///     a cell of the map: see ``pixelDistances(from:to:mapSize:variant:)``.
  ///   - similarityTemperature: What PixContrast divides cosines by.
  ///   - alpha: What the pixels' part of the loss is multiplied by.
  ///   - instanceWeight: What the instances' part is multiplied by: 1 in the package, 0, which leaves pixels
  ///     alone, by default in the authors' code.
  ///   - usesPixPro: Whether pixels are to agree, by propagation; if not they are contrasted.
  ///   - cropExtent: How large a part of the image a view shows.
  ///   - cropInterpolation: How a crop becomes a view.
  ///   - flipProbability: The share of views with left and right exchanged.
  ///   - variant: Whose rules the pixels follow.
  ///   - augmentation: What becomes of crops; it must not move pixels. The package's colours when it
  ///     is nil.
  ///   - secondAugmentation: What becomes of second crops; the same as of first ones when it is nil.
  ///   - seed: Where random views and the heads' weights come from; unpredictable when it is nil.
  /// - Precondition: The network has parameters, has both layers and calls them, and the one for
  ///   pixels gives a map of more than one pixel.
  public init(
    _ net: any Module, imageSize: Size2D, hiddenLayerPixel: HiddenLayer = "layer4",
    hiddenLayerInstance: HiddenLayer = -2, channels: Int? = nil, projectionSize: Int = 256,
    projectionHiddenSize: Int = 2_048, movingAverageDecay: MovingAverageDecay = 0.99,
    targetNorm: TargetNorm = .batch, propagationLayerCount: Int = 1, propagationGamma: Float = 2,
    distanceThreshold: Float = 0.7,
    similarityTemperature: Float = 0.3, alpha: Float = 1, instanceWeight: Float = 1,
    usesPixPro: Bool = true,
    cropExtent: TrackedCrop.Extent = .sides(0.6...0.8),
    cropInterpolation: Interpolation = .bilinear, flipProbability: Float = 0.25,
    variant: PixelVariant = .official, augmentation: (any Augmentation)? = nil,
    secondAugmentation: (any Augmentation)? = nil, seed: UInt64? = nil
  ) {
    precondition(
      distanceThreshold > 0 && similarityTemperature > 0 && min(alpha, instanceWeight) >= 0,
      "PixelCL needs a distance threshold and a temperature above zero and an alpha and a weight of "
        + "instances of zero or more; got \(distanceThreshold), \(similarityTemperature), \(alpha) and "
        + "\(instanceWeight)")
    var stream = seed.map { RandomStream(seed: $0) } ?? .unpredictable()
    let pixelEncoder = PixelEncoder(
      net, pixelLayer: hiddenLayerPixel, instanceLayer: hiddenLayerInstance,
      inputShape: imageShape(imageSize, channels: channels, of: net))
    (projector, pixelProjector, predictor, propagation) = withRandomSeed(stream.next()) {
      let (hidden, size) = (projectionHiddenSize, projectionSize)
      return (
        Heads.byol(pixelEncoder.instance.width, hidden: hidden, outputs: size),
        Heads.pixelProjector(pixelEncoder.channels, hidden: hidden, outputs: size),
        Heads.byol(size, hidden: hidden, outputs: size),
        usesPixPro
          ? PixelPropagation(
            size, layerCount: propagationLayerCount, gamma: propagationGamma, variant: variant)
          : nil
      )
    }
    target = TargetEncoder(
      ["net": net, "projector": projector, "pixelProjector": pixelProjector],
      decay: movingAverageDecay, norm: targetNorm)
    self.pixelEncoder = pixelEncoder
    crop = TrackedCrop(
      imageSize, extent: cropExtent, flipProbability: flipProbability,
      interpolation: cropInterpolation)
    self.variant = variant
    self.distanceThreshold = distanceThreshold
    self.similarityTemperature = similarityTemperature
    self.alpha = alpha
    self.instanceWeight = instanceWeight
    self.stream = stream
    let first = augmentation ?? Compose.pixelCL(normalization: nil)
    augmentations = (first, secondAugmentation ?? first)
  }

  /// The user's network up to the layer for whole images.
  public var encoder: Encoder { pixelEncoder.instance }

  /// The network, the heads and the target.
  public var parts: [(name: String, part: any Stateful)] {
    let heads: [(String, any Stateful)] = [
      ("net", net), ("projector", projector), ("pixelProjector", pixelProjector),
      ("predictor", predictor),
    ]
    return heads + (propagation.map { [("propagation", $0)] } ?? []) + [("target", target)]
  }

  /// The numbers of ``pixelStatistics``.
  public var measures: [(name: String, value: Float)] {
    [
      ("positive_pairs", Float(pixelStatistics.positivePairs)),
      ("positive_share", pixelStatistics.positiveShare), ("agreement", pixelStatistics.agreement),
      ("pixel_spread", pixelStatistics.spread), ("pixel_loss", pixelStatistics.pixelLoss),
      ("instance_loss", pixelStatistics.instanceLoss),
    ]
  }

  /// Two random crops of each image, with colours of their own.
  public func views(of images: Tensor) -> PixelViews {
    PixelViews(of: images, by: crop, then: augmentations, using: stream.split())
  }

  /// Moves the target toward the network; called once after each optimizer step.
  public func updateMovingAverage() { target.update() }

  /// Makes the target equal to the network again.
  public func resetMovingAverage() { target.reset() }
}

// MARK: - Loss

extension PixelCL {
  /// The loss of given views: alpha · pixels + weight · instances.
  ///
  /// - Returns: A scalar.
  /// - Precondition: There are at least two images while batch norm is in training mode.
  public func loss(_ views: PixelViews) -> Tensor { lossAndPairs(views).loss }

  /// The loss of two random views of each image, and how many pairs of pixels show the same place.
  ///
  /// - Parameter images: A batch of shape [count, height, width, channels], values 0...1.
  /// - Returns: A scalar, and the positive pairs of the whole batch.
  public func lossAndPairs(_ images: Tensor) -> (loss: Tensor, positivePairs: Int) {
    lossAndPairs(views(of: images))
  }

  /// The loss of given views, and how many pairs of their pixels show the same place.
  ///
  /// - Returns: A scalar, and the positive pairs of the whole batch.
  public func lossAndPairs(_ views: PixelViews) -> (loss: Tensor, positivePairs: Int) {
    checkCount(views.images)
    let first = projections(of: views.images.first)
    let second = projections(of: views.images.second)
    let (firstTarget, secondTarget) = target {
      (projections(of: views.images.first), projections(of: views.images.second))
    }
    let pairs = PixelPairs(
      from: views.first, to: views.second, mapSize: first.mapSize, threshold: distanceThreshold,
      variant: variant)
    let instances =
      cosineRegression(predictor(first.instances), onto: secondTarget.instances)
      + cosineRegression(predictor(second.instances), onto: firstTarget.instances)
    statistics = LearnerStatistics(first.instances)
    pixelStatistics = PixelStatistics()
    pixelStatistics.instanceLoss = instances.item
    pixelStatistics.positivePairs = pairs.count
    pixelStatistics.positiveShare = pairs.share
    pixelStatistics.spread = normalizedSpread(
      first.pixels.detached.reshaped([-1, first.pixels.shape[3]]))
    statistics.pixelSpread = pixelStatistics.spread
    guard pairs.count > 0 else { return (instanceWeight * instances, 0) }
    let pixels = pixelLoss((first, secondTarget), (second, firstTarget), pairs)
    pixelStatistics.pixelLoss = pixels.item
    return (alpha * pixels + instanceWeight * instances, pairs.count)
  }

  /// The pixels' part, of both directions.
  private func pixelLoss(
    _ first: (online: Projections, target: Projections),
    _ second: (online: Projections, target: Projections), _ pairs: PixelPairs
  ) -> Tensor {
    let back = pairs.transposed
    func agreement(_ map: Tensor, _ target: Projections, _ pairs: PixelPairs) -> Tensor {
      pixelAgreement(map.asRows, with: target.pixels.asRows, positives: pairs, variant: variant)
    }
    if let propagation {
      let forth = agreement(propagation(first.online.pixels), first.target, pairs)
      let sum = forth + agreement(propagation(second.online.pixels), second.target, back)
      pixelStatistics.agreement = sum.item / 2
      return variant == .official ? 4 - 2 * sum : -0.5 * sum
    }
    pixelStatistics.agreement = withoutGradients {
      let forth = agreement(first.online.pixels, first.target, pairs)
      return (forth + agreement(second.online.pixels, second.target, back)).item / 2
    }
    func contrast(_ view: (online: Projections, target: Projections), _ pairs: PixelPairs) -> Tensor
    {
      pixelContrast(
        view.online.pixels.asRows, against: view.target.pixels.asRows, positives: pairs,
        temperature: similarityTemperature, variant: variant)
    }
    return 0.5 * (contrast(first, pairs) + contrast(second, back))
  }

  /// Projections of one view's pixels, [count, height, width, size], and images, [count, size].
  private struct Projections {
    let pixels: Tensor
    let instances: Tensor

    var mapSize: Size2D { Size2D(height: pixels.shape[1], width: pixels.shape[2]) }
  }

  private func projections(of images: Tensor) -> Projections {
    let features = pixelEncoder(images)
    return Projections(
      pixels: pixelProjector(features.pixels), instances: projector(features.instances))
  }
}

// MARK: - Maps

extension PixelCL {
  /// Maps of projections and of features of images as they are, in evaluation mode and without
  /// gradients.
  ///
  /// - Parameter images: A batch of any size, one included.
  /// - Returns: Projections of shape [count, height, width, projection size], and the tapped map of
  ///   shape [count, height, width, channels].
  public func representPixels(_ images: Tensor) -> Representation {
    net.evaluating {
      pixelProjector.evaluating {
        withoutGradients {
          let map = pixelEncoder(images).pixels
          return Representation(projection: pixelProjector(map), embedding: map)
        }
      }
    }
  }
}

extension Tensor {
  /// A map [count, height, width, channels] as [count, height · width, channels].
  fileprivate var asRows: Tensor { reshaped([shape[0], -1, shape[3]]) }
}
