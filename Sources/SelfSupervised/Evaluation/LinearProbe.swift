import Nets
import Tensor

/// The classifier that judges representations by one linear layer: the field's linear evaluation.
///
/// It takes features, so that no network is trained with it. They are brought to mean 0 and
/// deviation 1, as they were in training. The layer is trained by SGD with a momentum of 0.9, no
/// weight decay and a rate that falls to zero along a cosine. Which rate serves depends on the
/// features, so several are tried on a part that is held out, on up to five parts where rows are
/// few, and the best one trains the layer on all of them.
///
/// ```swift
/// let probe = LinearProbe(learner.represent(images).embedding, labels: labels)
/// let share = probe.accuracy(learner.represent(testImages).embedding, labels: testLabels)
/// ```
public final class LinearProbe {
  /// How many classes there are.
  public let classCount: Int
  /// The rate that did best, and trained the layer.
  public let learningRate: Float
  /// The share of the held-out rows that each rate got right, and their mean loss; empty when there
  /// was but one to try.
  public let trials: [(learningRate: Float, accuracy: Float, loss: Float)]
  private let scaling: FeatureScaling
  private let layer: Linear

  /// Trains a classifier.
  ///
  /// - Parameters:
  ///   - features: A tensor of shape [count, width].
  ///   - labels: A class for each row.
  ///   - learningRates: The rates to be tried, for batches of 256; those for others follow in
  ///     proportion.
  ///   - heldOutShare: The share of the rows that judges the rates. Of fewer than 1,000 rows it
  ///     takes up to five parts in turn, each judging layers of its own.
  ///   - epochs: How often each row is seen; lightly's 90.
  ///   - batchSize: How many rows a step takes.
  ///   - seed: Where the order of the rows, and which are held out, comes from.
  public init(
    _ features: Tensor, labels: [Int], learningRates: [Float] = [0.01, 0.03, 0.1, 0.3, 1, 3],
    heldOutShare: Float = 0.1, epochs: Int = 90, batchSize: Int = 256, seed: UInt64 = 0
  ) {
    precondition(
      features.rank == 2 && features.shape[0] == labels.count && labels.count > 1
        && labels.allSatisfy { $0 >= 0 },
      "LinearProbe needs features [count, width] of at least 2 rows and a label of zero or more for "
        + "each; got shape \(features.shape) and \(labels.count) labels from \(labels.min() ?? 0) on"
    )
    precondition(
      !learningRates.isEmpty && learningRates.allSatisfy { $0 > 0 } && epochs > 0 && batchSize > 0
        && heldOutShare > 0 && heldOutShare < 1,
      "LinearProbe needs learning rates, epochs and a batch above zero and a share between 0 and 1; "
        + "got \(learningRates), \(epochs), \(batchSize) and \(heldOutShare)")
    checkFinite(features, "LinearProbe")
    classCount = (labels.max() ?? 0) + 1
    scaling = FeatureScaling(features.detached)
    var stream = RandomStream(seed: seed)
    let order = stream.permutation(labels.count)
    let training = LayerTraining(
      features: scaling(features.detached), labels: labels, classCount: classCount,
      training: ProbeTraining(epochs: epochs, batchSize: batchSize, stream: stream))
    let heldOut = min(labels.count - 1, max(1, Int(heldOutShare * Float(labels.count))))
    let parts = min(max(1, min(5, Self.enoughJudges / heldOut)), labels.count / heldOut)
    trials =
      learningRates.count == 1
      ? [] : training.trials(of: learningRates, order, heldOut: heldOut, parts: parts)
    // Of equally good ones that of the lowest loss: low rates may be right and far from done.
    learningRate =
      trials.max { ($0.accuracy, -$0.loss) < ($1.accuracy, -$1.loss) }?.learningRate
      ?? learningRates[0]
    layer = training.layer(learningRate: learningRate, on: labels.indices)
  }

  /// The rows that tell rates apart by half a point.
  private static let enoughJudges = 1_000

  /// The class of each row of `features` [count, width].
  public func predict(_ features: Tensor) -> [Int] {
    precondition(
      features.rank == 2 && features.shape[1] == scaling.channels,
      "LinearProbe needs features of width \(scaling.channels); got shape \(features.shape)")
    return predictions(layer, scaling(features.detached))
  }

  /// The share of `features` whose class is right.
  public func accuracy(_ features: Tensor, labels: [Int]) -> Float {
    shareOfRight(predict(features), labels)
  }
}

/// A layer to be trained on scaled features.
private struct LayerTraining {
  let features: Tensor
  let labels: [Int]
  let classCount: Int
  let training: ProbeTraining

  /// A layer trained on some of the rows.
  func layer(learningRate: Float, on rows: some Collection<Int>) -> Linear {
    let rows = Array(rows)
    let layer = Linear.indifferent(features.shape[1], classCount)
    let scaled = LearningRate.scaled(base: learningRate, batchSize: training.batchSize)
    let optimizer = SGD(layer.parameters, learningRate: scaled, momentum: 0.9)
    _ = training.losses(count: rows.count, optimizer) { chosen in
      let rows = chosen.map { rows[$0] }
      return crossEntropy(
        scores(layer, features.indexSelect(rows)), rows.map { labels[$0] })
    }
    return layer
  }

  /// How each rate does on parts of `heldOut` rows, each when it has trained on all others.
  func trials(
    of rates: [Float], _ order: [Int], heldOut: Int, parts: Int
  ) -> [(learningRate: Float, accuracy: Float, loss: Float)] {
    rates.map { rate in
      var (right, loss): (Float, Float) = (0, 0)
      for part in 0..<parts {
        let range = part * heldOut..<(part + 1) * heldOut
        let (judges, rest) = (
          Array(order[range]), order[..<range.lowerBound] + order[range.upperBound...]
        )
        let layer = layer(learningRate: rate, on: rest)
        let found = withoutGradients { scores(layer, features.indexSelect(judges)) }
        let truth = judges.map { labels[$0] }
        right += shareOfRight(found.argmax(), truth)
        loss += crossEntropy(found, truth).item
      }
      return (rate, right / Float(parts), loss / Float(parts))
    }
  }
}

private func predictions(_ layer: Linear, _ features: Tensor) -> [Int] {
  withoutGradients { scores(layer, features).argmax() }
}

private func scores(_ layer: Linear, _ features: Tensor) -> Tensor {
  withMatmulPrecision(.float32) { layer(features) }
}
