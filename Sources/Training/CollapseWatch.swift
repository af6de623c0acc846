import Nets
import SelfSupervised
import Tensor

/// Notices when a training's projections become all alike, and says once what the likely cause is.
///
/// ```swift
/// var watch = CollapseWatch()
/// for batch in loader.epoch(0) {
///   let loss = learner.stepLoss(on: batch.images)
///   // … backward, step …
///   if let warning = watch.warning(of: loss, learner, optimizer: optimizer) { print(warning) }
/// }
/// ```
///
/// It warns at once of projections that are not finite. It warns after 20 consecutive steps of
/// either of these: projections near one point, their `projectionStd` below 0.1 or below a fifth of
/// its best; projections in few directions, their `effectiveRank` below 3, or 6 at a learning rate
/// above all published ones, and below a quarter of its best. It waits 200 steps, and longer while
/// they improve, for projections that are alike from the start, as those of networks without norms
/// may be, and for the pixels of a `PixelCL`, whose deviation may be low for a while in trainings
/// that end well. In the first 20 steps it also warns, once, of a training that is set up wrongly:
/// an optimizer without the learner's parameters, evaluation mode, or a ``MoCo`` whose queue
/// holds as many keys as there are images.
///
/// Healthy short runs of small residual networks stayed above a deviation of 0.4 and a rank of 4;
/// those of `MoCo` went down to 0.23 and 3.7 in their first hundred steps, and rose again.
public struct CollapseWatch: Sendable {
  private var best = (spread: Float(0), rank: Float(0))
  private var steps: [CollapseWarning.Kind: Int] = [:]
  private var lowestSpread = Float.infinity
  private var highestRate: Float = 0
  private var hasWarned = false
  /// How often the set-up is still looked at.
  private var looksLeft = 20

  /// A watch that has seen nothing.
  public init() {}

  /// Looks at a step.
  ///
  /// - Parameters:
  ///   - loss: The loss of the step.
  ///   - learner: The learner.
  ///   - optimizer: What moves it; its highest learning rate so far may be the cause.
  ///   - batchSize: How many images a step has, which may be the cause if they are few.
  ///   - imageCount: How many images there are, if a queue of their keys is to be looked at.
  /// - Returns: A warning at the step at which a collapse is certain, the training has diverged or
  ///   its set-up is seen to be wrong; nil at all others.
  public mutating func warning(
    of loss: StepLoss, _ learner: some Learner, optimizer: any Optimizer, batchSize: Int? = nil,
    imageCount: Int? = nil
  ) -> CollapseWarning? {
    warning(
      of: loss.statistics, learner, optimizer: optimizer, batchSize: batchSize,
      imageCount: imageCount)
  }

  /// Looks at a step's statistics, where they are known already.
  mutating func warning(
    of statistics: ProjectionStatistics, _ learner: some Learner, optimizer: any Optimizer,
    batchSize: Int?, imageCount: Int?
  ) -> CollapseWarning? {
    if looksLeft > 0 {
      looksLeft -= 1
      let mistakes = SetupMistakes(learner, optimizer, imageCount: imageCount).sentences
      if !mistakes.isEmpty {
        looksLeft = 0
        return CollapseWarning(kind: .setup, statistics: statistics, causes: mistakes)
      }
    }
    highestRate = max(highestRate, optimizer.learningRate)
    let isRateUnusual = highestRate > optimizer.usualHighestRate
    guard let kind = note(statistics, fewestDirections: isRateUnusual ? 6 : 3) else { return nil }
    return CollapseWarning(
      kind: kind, statistics: statistics,
      causes: causes(of: kind, learner, optimizer, batchSize: batchSize))
  }

  /// Takes one step's statistics; the kind of collapse when it is certain, once.
  mutating func note(
    _ statistics: ProjectionStatistics, fewestDirections: Float = 3
  ) -> CollapseWarning.Kind? {
    guard !statistics.isDivergent else {
      defer { hasWarned = true }
      return hasWarned ? nil : .divergence
    }
    let (spread, rank) = (statistics.projectionStd, statistics.effectiveRank)
    best = (max(best.spread, spread), max(best.rank, rank))
    count(.point, spread < max(0.1, best.spread / 5))
    count(.pixels, (statistics.pixelStd ?? .nan) < 0.1)
    count(.fewDirections, rank < min(fewestDirections, best.rank / 4))
    // What grows is recovering; below 0.01 growth is rounding.
    lowestSpread = min(lowestSpread, max(spread, 0.01))
    if spread > 1.5 * lowestSpread {
      lowestSpread = spread
      steps[.point] = 0
    }
    let patience: [(CollapseWarning.Kind, Int)] = [
      (.point, best.spread > 0.2 ? 20 : 200), (.fewDirections, 20), (.pixels, 200),
    ]
    let found = patience.first { kind, least in steps[kind, default: 0] >= least }?.0
    guard !hasWarned, let found else { return nil }
    hasWarned = true
    return found
  }

  private mutating func count(_ kind: CollapseWarning.Kind, _ isLow: Bool) {
    steps[kind] = isLow ? steps[kind, default: 0] + 1 : 0
  }

  /// What may have caused a collapse, likely things first.
  private func causes(
    of kind: CollapseWarning.Kind, _ learner: some Learner, _ optimizer: any Optimizer,
    batchSize: Int?
  ) -> [String] {
    var causes: [String] = []
    let usual = optimizer.usualHighestRate
    if highestRate > usual {
      causes.append(
        "a learning rate of \(highestRate), where \(optimizer.name) usually has \(usual) at most")
    }
    guard kind != .divergence else {
      return causes.isEmpty ? ["a learning rate of \(highestRate) that is too high here"] : causes
    }
    if !learner.preventsCollapse, !learner.hasPredictor {
      causes.append("no predictor with weights, which a loss without negatives needs")
    }
    if kind == .point, learner is DINO, !learner.projector.usesBatchStatistics {
      causes.append(
        "a projector without batch norms, whose outputs are alike for long (normalizesProjections: "
          + "true)")
    }
    if kind == .pixels {
      causes.append(
        "that PixPro has no negatives; PixContrast has (usesPixPro: false), and LARS may help")
    }
    if let batchSize, batchSize < 16 { causes.append("a batch of only \(batchSize) images") }
    guard causes.isEmpty else { return causes }
    let rate = "a learning rate of \(highestRate) that is too high here; try a tenth of it"
    // This package's learners stop the gradient; whether another does cannot be seen from outside.
    return learner.preventsCollapse
      ? [rate] : [rate, "a loss of your own whose gradient reaches the targets"]
  }
}

/// What a ``CollapseWatch`` found.
public struct CollapseWarning: Sendable, CustomStringConvertible {
  /// What is wrong with the projections.
  public enum Kind: Sendable {
    /// All lie near one point.
    case point
    /// They differ, but in a few directions only.
    case fewDirections
    /// Those of the pixels of maps lie near one point.
    case pixels
    /// One is not a number, or infinite.
    case divergence
    /// Nothing yet, but the training is set up in a way in which it cannot learn what it should.
    case setup
  }

  /// What is wrong with the projections.
  public let kind: Kind
  /// The statistics of the step at which it became certain.
  public let statistics: ProjectionStatistics
  /// What may have caused it, likely things first; at least one.
  public let causes: [String]

  /// One line for the person who waits.
  public var description: String {
    guard kind != .setup else { return "warning: " + causes.joined(separator: "; ") }
    let (spread, rank) = (statistics.projectionStd.rounded(2), statistics.effectiveRank.rounded(1))
    let what =
      switch kind {
      case .point: "the projections have collapsed to nearly one point"
      case .fewDirections: "the projections have collapsed to a few directions"
      case .pixels: "the projections of pixels have collapsed to nearly one point"
      case .divergence, .setup: "projections became NaN or infinite"
      }
    let numbers =
      switch kind {
      case .point, .fewDirections: " (spread \(spread), effective rank \(rank))"
      case .pixels: " (spread \((statistics.pixelStd ?? .nan).rounded(2)))"
      case .divergence, .setup: ""
      }
    return "warning: \(what)\(numbers); the likely cause is "
      + causes.joined(separator: ", or ")
  }
}

extension Float {
  /// This number with a few decimals, for people.
  fileprivate func rounded(_ decimals: Int) -> Float {
    let scale = (0..<decimals).reduce(Float(1)) { scale, _ in scale * 10 }
    return (self * scale).rounded() / scale
  }
}
