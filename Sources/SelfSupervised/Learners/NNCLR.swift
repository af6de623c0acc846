import Nets
import Tensor

/// Nearest-neighbour contrastive learning (Dwibedi et al., 2021).
///
/// Like SimCLR, but the positive of a view is not the other view of its image: it is the neighbour of
/// that other view among the last projections, mostly of another image. See
/// ``neighbourContrast(_:_:temperature:)`` for the range of the loss and its course. If the share of
/// neighbours of the right class does not rise in ``matches``, neighbours teach no more than chance.
///
/// The queue looks first and then takes the first views' projections, once per loss, in training mode
/// alone: after `evaluate()` a loss leaves no trace in it.
public final class NNCLR: ProjectionLearner {
  /// The published algorithms of this name.
  public enum Variant: Sendable {
    /// The paper's: a predictor gives the candidates, no gradient flows to neighbours, and neighbours
    /// choose among candidates: the mean over both directions.
    case paper
    /// The Keras example's: no predictor and no batch norm in the head; the gradient of a neighbour
    /// goes to the projection that it stands for; and candidates choose among neighbours too. The loss
    /// is the mean over the four terms and the rows. The example itself differentiates their sum, so
    /// its gradients are 4N times these, which Adam cancels and SGD does not. The example is a page, not a
    /// package: tests compare with its formula, written anew for PyTorch.
    case keras
  }

  /// The user's network up to the tapped layer.
  public let encoder: Encoder
  /// From features to projections.
  public let projector: any Module
  /// From projections to candidates; nil for the Keras variant.
  public let predictor: (any Module)?
  /// The last projections, among which neighbours are found.
  public let queue: FeatureQueue
  /// Which algorithm this is.
  public let variant: Variant
  /// What similarities are divided by.
  public let temperature: Float
  /// How the two views of a batch go through the network.
  public let viewBatching: ViewBatching
  /// Where the random views come from.
  public var stream: RandomStream
  /// What the last loss was like.
  public private(set) var statistics = LearnerStatistics()
  /// How well views and neighbours matched in the last loss.
  public private(set) var matches = Matches()

  private let augmentations: (first: any Augmentation, second: any Augmentation)

  /// A learner around any network; the network itself is not changed.
  ///
  /// - Parameters:
  ///   - net: The network to improve.
  ///   - imageSize: The size of the views.
  ///   - hiddenLayer: The layer whose output is the representation: a name, the number of a child,
  ///     or the layer itself.
  ///   - channels: The channels of the images; those of the first convolution when it is nil.
  ///   - variant: The paper's algorithm or that of the Keras example.
  ///   - projectionSize: The features of a projection; 256 in the paper and 128 in Keras.
  ///   - projectionHiddenSize: The hidden features of the projector; 2,048 in the paper, 128 in Keras.
  ///   - predictorHiddenSize: The hidden features of the paper's predictor.
  ///   - queueSize: How many projections are looked at; 98,304 in the paper, which is 100 MB, and
  ///     10,000 in Keras. Of a queue larger than the data set the oldest rows are of earlier epochs.
  ///   - startsRandom: Whether random directions fill the queue at first, as in both publications;
  ///     otherwise only projections become neighbours.
  ///   - temperature: What similarities are divided by; 0.1 in both.
  ///   - viewBatching: How the two views of a batch go through the network.
  ///   - augmentation: How views are drawn; when it is nil SimCLR's, or the Keras example's own.
  ///   - secondAugmentation: How second views are drawn; like first ones when it is nil.
  ///   - seed: Where random views, the heads' weights and random rows come from; unpredictable when it
  ///     is nil.
  /// - Precondition: The network has parameters, has the layer and calls it.
  public convenience init(
    _ net: any Module, imageSize: Size2D, hiddenLayer: HiddenLayer = -2, channels: Int? = nil,
    variant: Variant = .paper, projectionSize: Int? = nil, projectionHiddenSize: Int? = nil,
    predictorHiddenSize: Int = 4_096, queueSize: Int? = nil, startsRandom: Bool = false,
    temperature: Float = 0.1, viewBatching: ViewBatching = .separate,
    augmentation: (any Augmentation)? = nil, secondAugmentation: (any Augmentation)? = nil,
    seed: UInt64? = nil
  ) {
    let augmentation = augmentation ?? variant.augmentation(imageSize)
    self.init(
      net, inputShape: imageShape(imageSize, channels: channels, of: net), hiddenLayer: hiddenLayer,
      variant: variant, projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      predictorHiddenSize: predictorHiddenSize, queueSize: queueSize, startsRandom: startsRandom,
      temperature: temperature, viewBatching: viewBatching, augmentation: augmentation,
      secondAugmentation: secondAugmentation ?? augmentation, seed: seed)
  }

  /// A learner around a network whose inputs are of any shape, which is given without the count, with
  /// augmentations of their own; the rest as for images.
  public init(
    _ net: any Module, inputShape: Shape, hiddenLayer: HiddenLayer = -2,
    variant: Variant = .paper, projectionSize: Int? = nil, projectionHiddenSize: Int? = nil,
    predictorHiddenSize: Int = 4_096, queueSize: Int? = nil, startsRandom: Bool = false,
    temperature: Float = 0.1, viewBatching: ViewBatching = .separate,
    augmentation: any Augmentation, secondAugmentation: any Augmentation, seed: UInt64? = nil
  ) {
    precondition(temperature > 0, "NNCLR needs a temperature above zero; got \(temperature)")
    var stream = seed.map { RandomStream(seed: $0) } ?? .unpredictable()
    let encoder = Encoder(net, hiddenLayer: hiddenLayer, inputShape: inputShape)
    let size = projectionSize ?? variant.projectionSize
    let hidden = projectionHiddenSize ?? variant.hiddenSize
    self.encoder = encoder
    (projector, predictor) = withRandomSeed(stream.next()) {
      switch variant {
      case .paper:
        (
          Heads.nnclr(encoder.width, hidden: hidden, outputs: size),
          Heads.simSiamPredictor(size, hidden: predictorHiddenSize)
        )
      case .keras: (MLP([encoder.width, hidden, size]), nil)
      }
    }
    queue = FeatureQueue(
      capacity: queueSize ?? variant.queueSize, width: size, startsRandom: startsRandom,
      using: stream.split())
    self.variant = variant
    self.temperature = temperature
    self.viewBatching = viewBatching
    self.stream = stream
    augmentations = (augmentation, secondAugmentation)
  }

  /// The network, the heads and the queue.
  public var parts: [(name: String, part: any Stateful)] {
    [("net", net), ("projector", projector)] + (predictor.map { [("predictor", $0)] } ?? [])
      + [("queue", queue)]
  }

  /// Two random views of each image.
  public func views(of images: Tensor) -> ViewPair {
    ViewPair(of: images, by: augmentations, using: stream.split())
  }

  /// With how many candidates each neighbour of a batch of `imageCount` images is contrasted: N - 1.
  public func negativesPerAnchor(imageCount: Int) -> Int { max(0, imageCount - 1) }
}

// MARK: - Loss

extension NNCLR {
  /// The contrast of neighbours and candidates; the queue takes the first projections.
  public func loss(projections: ViewPair) -> Tensor { loss(projections: projections, labels: nil) }

  /// The loss of two given views of images whose classes are known; they change nothing of the loss,
  /// but ``matches`` will say how many neighbours are of the right class.
  public func loss(_ views: ViewPair, labels: [Int]) -> Tensor {
    loss(projections: project(views), labels: labels)
  }

  /// The contrast of neighbours and candidates; the queue takes the first projections and their labels.
  ///
  /// - Parameters:
  ///   - projections: Projections of the two views, of shape [count, projection size].
  ///   - labels: A class for each image, if it is known.
  /// - Returns: A scalar.
  public func loss(projections: ViewPair, labels: [Int]?) -> Tensor {
    precondition(
      projections.count > 1 && (labels.map { $0.count == projections.count } ?? true),
      "NNCLR needs at least 2 images and, if any, a label for each; got \(projections.count) images "
        + "and \(labels?.count ?? 0) labels")
    statistics = LearnerStatistics(projections.first)
    let neighbours = [projections.first, projections.second].map(queue.neighbours)
    matches.note(neighbours, labels: labels)
    let found = ViewPair(first: neighbours[0].rows, second: neighbours[1].rows)
    let loss =
      predictor.map {
        let candidates = viewBatching(
          projections, atOnce: takesBatchesAtOnce, run: $0.callAsFunction)
        return contrast(found, candidates.units)
      }
      ?? straightThroughContrast(found, projections.units)
    queue.append(projections.first, labels: labels)
    return loss
  }

  /// The numbers of ``matches``.
  public var measures: [(name: String, value: Float)] {
    [
      ("contrastive_accuracy", matches.contrastiveAccuracy),
      ("correlation_accuracy", matches.correlationAccuracy),
      ("right_neighbours", matches.rightClassShare), ("random_neighbours", matches.randomShare),
    ]
  }

  /// Keeps the measures of the Keras example, which are of features, not of projections.
  public func observe(features: ViewPair) {
    matches.contrastiveAccuracy = contrastiveAccuracy(features.first, features.second)
    matches.correlationAccuracy = correlationAccuracy(features.first, features.second)
  }

  /// The neighbours of each view against the candidates of the other: the paper's.
  private func contrast(_ neighbours: ViewPair, _ candidates: ViewPair) -> Tensor {
    (term(neighbours.first, candidates.second) + term(neighbours.second, candidates.first)) / 2
  }

  /// Both ways, and with the neighbours' gradient handed to the units they were found for: Keras's.
  private func straightThroughContrast(_ neighbours: ViewPair, _ units: ViewPair) -> Tensor {
    let stand = ViewPair(
      first: units.first + (neighbours.first - units.first).detached,
      second: units.second + (neighbours.second - units.second).detached)
    let back = (term(units.second, stand.first) + term(units.first, stand.second)) / 2
    return (contrast(stand, units) + back) / 2
  }

  private func term(_ rows: Tensor, _ columns: Tensor) -> Tensor {
    neighbourContrast(rows, columns, temperature: temperature)
  }
}

extension ViewPair {
  fileprivate var units: ViewPair { ViewPair(first: unitNorm(first), second: unitNorm(second)) }
}

// MARK: - What is published

extension NNCLR {
  /// How well views and neighbours matched.
  public struct Matches: Sendable {
    /// How often an image's features are the most similar ones of the other view, in 0...1: see
    /// ``contrastiveAccuracy(_:_:)``.
    public internal(set) var contrastiveAccuracy: Float = .nan
    /// How often a feature correlates most with itself in the other view, in 0...1: see
    /// ``correlationAccuracy(_:_:)``.
    public internal(set) var correlationAccuracy: Float = .nan
    /// The share of both views' neighbours, among those that came with a label, that are of the
    /// image's class; not a number when there are none.
    public internal(set) var rightClassShare: Float = .nan
    /// The share of neighbours that are random rows the queue began with.
    public internal(set) var randomShare: Float = .nan

    /// No loss yet.
    public init() {}

    fileprivate mutating func note(_ found: [FeatureQueue.Neighbours], labels: [Int]?) {
      randomShare = found.map(\.randomShare).reduce(0, +) / Float(found.count)
      let pairs = found.flatMap { zip($0.labels, labels ?? []) }
      let known = pairs.filter { $0.0 != nil }
      rightClassShare = Float(known.count(where: { $0.0 == $0.1 })) / Float(known.count)
    }
  }
}

extension NNCLR.Variant {
  fileprivate var projectionSize: Int { self == .paper ? 256 : 128 }

  fileprivate var hiddenSize: Int { self == .paper ? 2_048 : 128 }

  fileprivate var queueSize: Int { self == .paper ? 98_304 : 10_000 }

  fileprivate func augmentation(_ imageSize: Size2D) -> Compose {
    self == .paper ? .simCLR(imageSize: imageSize) : .nnclr(imageSize: imageSize)
  }
}
