import Nets
import Tensor

/// Nearest-neighbor contrastive learning (Dwibedi et al., 2021).
public typealias NNCLR = MethodLearner<NNCLRMethod>

/// NNCLR: the positive of a view is not the other view of its image but the neighbor of that view
/// among the last projections, mostly of another image.
///
/// See ``nnclrLoss(_:_:temperature:)`` for the range of the loss and its course. Metrics are how
/// often features find their other view (`contrastive_accuracy`, `correlation_accuracy`), the share
/// of neighbors of the image's class among those with labels (`right_neighbours`), and of random
/// rows among them (`random_neighbours`). If the share of the right class does not rise, neighbors
/// teach no more than chance. A step's first projections enter the memory after it.
public struct NNCLRMethod: ProjectionMethod {
  /// The published algorithms of this name.
  public enum Variant: Sendable {
    /// The paper's: a predictor gives the candidates, no gradient flows to neighbors, and neighbors
    /// choose among candidates: the mean over both directions.
    case paper
    /// The Keras example's: see ``kerasNNCLRLoss(_:neighbors:temperature:)``; no predictor and no
    /// batch norm in the head.
    case keras
  }

  let variant: Variant
  let projectionSize: Int?
  let projectionHiddenSize: Int?
  let predictorHiddenSize: Int
  let queueSize: Int?
  let startsRandom: Bool
  let temperature: Float

  /// The heads, and the memory of projections.
  public struct Parts: MethodParts {
    /// From features to projections.
    public let projector: any Module
    /// From projections to candidates; nil for the Keras variant.
    public let predictor: (any Module)?
    /// The last projections, among which neighbors are found.
    public let queue: MemoryBank
  }

  /// Its memory and its negatives are those of all processes' images.
  public var runsInSeveralProcesses: Bool { true }

  /// The heads, and an empty memory.
  public func makeParts(for backbone: Backbone, using stream: inout RandomStream) -> Parts {
    precondition(temperature > 0, "NNCLR needs a temperature above zero; got \(temperature)")
    let isPaper = variant == .paper
    let size = projectionSize ?? (isPaper ? 256 : 128)
    let hidden = projectionHiddenSize ?? (isPaper ? 2_048 : 128)
    let projector: any Module =
      isPaper
      ? Heads.nnclr(backbone.width, hidden: hidden, outputs: size)
      : MLP([backbone.width, hidden, size])
    let predictor = isPaper ? Heads.simSiamPredictor(size, hidden: predictorHiddenSize) : nil
    let queue = MemoryBank(
      capacity: queueSize ?? (isPaper ? 98_304 : 10_000), width: size, startsRandom: startsRandom,
      using: stream.split())
    return Parts(projector: projector, predictor: predictor, queue: queue)
  }

  /// The contrast of neighbors and candidates.
  public func loss(
    ofProjections projections: ViewPair, features: ViewPair, in pass: Pass<Parts>
  ) -> StepLoss {
    let count = batchRows(projections.first).total
    precondition(count > 1, "NNCLR needs at least 2 images; got \(count)")
    let queue = pass.parts.queue
    let found = [projections.first, projections.second].map(queue.neighbors)
    let neighbors = ViewPair(first: found[0].rows, second: found[1].rows)
    let value =
      pass.parts.predictor.map { predictor in
        let candidates = pass.apply(predictor, projections).units
        let forth = nnclrLoss(neighbors.first, candidates.second, temperature: temperature)
        let back = nnclrLoss(neighbors.second, candidates.first, temperature: temperature)
        return (forth + back) / 2
      } ?? kerasNNCLRLoss(projections.units, neighbors: neighbors, temperature: temperature)
    let first = projections.first.detached
    let (rows, labels) = (allGather(first), allGather(pass.labels))
    return StepLoss(
      value, projections: first,
      metrics: metrics(found, features.ofAllProcesses, labels: pass.labels)
    ) { queue.append(rows, labels: labels) }
  }

  private func metrics(
    _ found: [MemoryBank.Neighbors], _ features: ViewPair, labels: [Int]?
  ) -> Metrics {
    let pairs = found.flatMap { zip($0.labels, labels ?? []) }
    let known = pairs.filter { $0.0 != nil }
    let counts = ProcessGroup.current.sum([
      Double(known.count(where: { $0.0 == $0.1 })), Double(known.count),
    ])
    return [
      "contrastive_accuracy": contrastiveAccuracy(features.first, features.second),
      "correlation_accuracy": correlationAccuracy(features.first, features.second),
      "right_neighbours": Float(counts[0]) / Float(counts[1]),
      "random_neighbours": found.map(\.randomShare).reduce(0, +) / Float(found.count),
    ]
  }

  /// SimCLR's way, or the Keras example's, for both views.
  public func augmentations(imageSize: Size2D) -> Augmentations {
    let views =
      variant == .paper ? Compose.simCLR(imageSize: imageSize) : .nnclr(imageSize: imageSize)
    return (views, views)
  }
}

extension MethodLearner where M == NNCLRMethod {
  /// NNCLR around any network; the network itself is not changed.
  ///
  /// The other arguments are those of every ``MethodLearner``.
  ///
  /// The method's own arguments:
  ///
  /// - `variant`: The paper's algorithm or that of the Keras example.
  /// - `projectionSize`: The features of a projection; 256 in the paper and 128 in Keras.
  /// - `projectionHiddenSize`: The hidden features of the projector; 2,048 in the paper, 128 in
  ///   Keras.
  /// - `predictorHiddenSize`: The hidden features of the paper's predictor.
  /// - `queueSize`: How many projections are looked at; 98,304 in the paper and 10,000 in Keras. Of
  ///   a memory larger than the data set the oldest rows are of earlier epochs.
  /// - `startsRandom`: Whether random directions fill the memory at first.
  /// - `temperature`: What similarities are divided by.
  public convenience init(
    _ net: any Module, imageSize: (any Size2DConvertible)? = nil, inputShape: TensorShape? = nil,
    hiddenLayer: HiddenLayer = -2, channels: Int? = nil, variant: NNCLRMethod.Variant = .paper,
    projectionSize: Int? = nil, projectionHiddenSize: Int? = nil, predictorHiddenSize: Int = 4_096,
    queueSize: Int? = nil, startsRandom: Bool = false, temperature: Float = 0.1,
    viewBatching: ViewBatching = .separate, augmentation: (any Augmentation)? = nil,
    secondAugmentation: (any Augmentation)? = nil, seed: UInt64? = nil
  ) {
    let method = NNCLRMethod(
      variant: variant, projectionSize: projectionSize, projectionHiddenSize: projectionHiddenSize,
      predictorHiddenSize: predictorHiddenSize, queueSize: queueSize, startsRandom: startsRandom,
      temperature: temperature)
    self.init(
      net, method, imageSize: imageSize, inputShape: inputShape, hiddenLayer: hiddenLayer,
      channels: channels, viewBatching: viewBatching, augmentation: augmentation,
      secondAugmentation: secondAugmentation, seed: seed)
  }
}
