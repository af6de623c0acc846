import Nets
import Tensor

/// The classifier that judges maps of features: one linear layer for all pixels, on features that
/// stay as they are.
///
/// Scores are brought from the map's size to the labels' by bilinear interpolation, which for a
/// linear layer is the same as if the features had been enlarged. Features are brought to mean 0
/// and deviation 1 by channel, as they were in training.
///
/// ```swift
/// let probe = PixelProbe(featureMaps(of: images, at: "layer3", in: net), labels: labels, size: 64)
/// let share = probe.intersectionOverUnion(of: testMaps, labels: testLabels).mean
/// ```
public final class PixelProbe {
  /// The size of the label maps.
  public let size: Size2D
  /// How many classes there are.
  public let classCount: Int
  /// The mean training loss of each epoch.
  public private(set) var losses: [Float] = []
  private let layer: Linear
  private let scaling: FeatureScaling

  /// Trains a classifier, by Adam whose step falls to zero along a cosine.
  ///
  /// - Parameters:
  ///   - maps: Features of shape [count, height, width, channels].
  ///   - labels: The class of each pixel of the label maps: image after image, row after row.
  ///   - size: The size of the label maps.
  ///   - classCount: How many classes there are; one more than the largest label when it is nil.
  ///   - epochs: How often each image is seen.
  ///   - batchSize: How many images a step takes.
  ///   - learningRate: The first step size.
  ///   - seed: Where the order of the images comes from.
  public init(
    _ maps: Tensor, labels: [Int], size: Size2D, classCount: Int? = nil, epochs: Int = 30,
    batchSize: Int = 32, learningRate: Float = 0.02, seed: UInt64 = 0
  ) {
    let classCount = classCount ?? (labels.max() ?? 0) + 1
    let pixels = size.height * size.width
    precondition(
      maps.rank == 4 && maps.shape[0] > 0 && labels.count == maps.shape[0] * pixels,
      "PixelProbe needs maps [count, height, width, channels] and \(pixels) labels for each; got "
        + "shape \(maps.shape) and \(labels.count) labels")
    precondition(
      epochs > 0 && batchSize > 0 && labels.allSatisfy { (0..<classCount).contains($0) },
      "PixelProbe needs an epoch, a batch and labels in 0..<\(classCount); got \(epochs) epochs, "
        + "batches of \(batchSize) and labels \(labels.min() ?? 0)...\(labels.max() ?? 0)")
    checkFinite(maps, "PixelProbe")
    self.size = size
    self.classCount = classCount
    scaling = FeatureScaling(maps.detached)
    layer = .indifferent(maps.shape[3], classCount)
    let optimizer = Adam(layer.parameters, learningRate: learningRate)
    let training = ProbeTraining(
      epochs: epochs, batchSize: batchSize, stream: RandomStream(seed: seed))
    losses = training.losses(count: maps.shape[0], optimizer) { chosen in
      crossEntropy(
        scores(maps.detached.indexSelect(chosen)),
        chosen.flatMap { labels[($0 * pixels)..<(($0 + 1) * pixels)] })
    }
  }

  /// Scores of shape [count · height · width of the labels, classes].
  private func scores(_ maps: Tensor) -> Tensor {
    let scores = withMatmulPrecision(.float32) { layer(scaling(maps)) }
    return resized(scores, to: size).reshaped([-1, classCount])
  }

  /// The class of each pixel of maps [count, height, width, channels], at the size of the labels.
  public func predict(_ maps: Tensor) -> [Int] {
    precondition(
      maps.rank == 4 && maps.shape[3] == scaling.channels,
      "PixelProbe needs maps of \(scaling.channels) channels; got shape \(maps.shape)")
    return withoutGradients {
      maps.detached.chunks(of: 64).flatMap { scores($0).argmax() }
    }
  }

  /// How well the predictions of maps cover their labels.
  public func intersectionOverUnion(of maps: Tensor, labels: [Int]) -> IntersectionOverUnion {
    IntersectionOverUnion(of: predict(maps), labels: labels, classCount: classCount)
  }
}
